/** `headwater extractor list`, `describe` and `try`. */
import { readFile } from 'node:fs/promises';
import { HeadwaterError } from '@headwater/errors';
import { methodEntries, openExtractor } from '@headwater/extractor-pipelines';
import { describeExtractor, type Extractor, extractorIds } from '@headwater/extractors';
import type { Console } from '../../terminal/console.ts';

export interface ShowOptions {
  readonly json: boolean;
}

export interface TryOptions extends ShowOptions {
  readonly attribute: Readonly<Record<string, string>>;
}

/** Number of components of a vector that are printed. */
const shown = 8;

function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  '));
  return lines.map((line) => line.trimEnd()).join('\n');
}

export async function list({ json }: ShowOptions, console: Console): Promise<number> {
  const extractors = extractorIds().map(describeExtractor);
  const methods = methodEntries();
  if (json) {
    console.stdout.write(`${JSON.stringify({ extractors, methods })}\n`);
    return 0;
  }
  const ids = extractors.map(({ id, contract }) => [
    `  ${id}`,
    `${contract.dimensions} numbers`,
    contract.description,
  ]);
  const links = methods.map(({ method, takes, gives, learns }) => [
    `  ${method}`,
    `${takes.join(', ')} → ${gives}`,
    learns ? 'learns' : '',
  ]);
  console.stdout.write(
    `Extractors, also links of chains:\n${columns(ids)}\n\nMethods, links of chains:\n${columns(links)}\n`,
  );
  return 0;
}

/** Opens, uses and closes an extractor. */
async function withExtractor<T>(name: string, use: (extractor: Extractor) => Promise<T>): Promise<T> {
  const extractor = await openExtractor(name);
  try {
    return await use(extractor);
  } finally {
    await extractor.close();
  }
}

export async function describe(name: string, { json }: ShowOptions, console: Console): Promise<number> {
  return await withExtractor(name, async ({ description, engine, notes = [] }) => {
    const { id, digest, contract } = description;
    const { dimensions, normalization } = contract;
    if (json) {
      console.stdout.write(`${JSON.stringify({ id, dimensions, normalization, digest, engine, notes })}\n`);
      return 0;
    }
    const rows = [
      ['id', id],
      ['dimensions', String(dimensions)],
      ['normalization', normalization],
      ['digest', digest],
      ['engine', engine],
      ...notes.map((note) => ['note', note]),
    ];
    console.stdout.write(
      `${contract.description === '' ? '' : `${contract.description}\n`}${columns(rows)}\n`,
    );
    return 0;
  });
}

async function readImage(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new HeadwaterError('request-invalid', `cannot read the image ${path}`, { cause });
  }
}

export async function tryOut(
  name: string,
  path: string,
  { attribute: attributes, json }: TryOptions,
  console: Console,
): Promise<number> {
  const image = await readImage(path);
  return await withExtractor(name, async (extractor) => {
    const start = performance.now();
    const vector = await extractor.extract({ image, attributes }, console.signal);
    const milliseconds = Number((performance.now() - start).toFixed(1));
    const { id, digest } = extractor.description;
    if (json) {
      console.stdout.write(`${JSON.stringify({ id, digest, milliseconds, vector: Array.from(vector) })}\n`);
      return 0;
    }
    const norm = Math.sqrt(vector.reduce((sum, entry) => sum + entry * entry, 0));
    const first = Array.from(vector.subarray(0, shown), (entry) => entry.toPrecision(4)).join(' ');
    const rest = vector.length > shown ? ' …' : '';
    console.stdout.write(
      `${id}: ${vector.length} numbers in ${milliseconds} ms, norm ${norm.toPrecision(5)}\n${first}${rest}\n`,
    );
    return 0;
  });
}
