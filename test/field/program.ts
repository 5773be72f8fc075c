/**
 * `npm run field -- FOLDER`: image files of other people, decoded as extractors decode them and held to the picture that a person sees.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { asHeadwaterError } from '@headwater/errors';
import { decodeImage } from '../../packages/extractors/src/images/decoder.ts';
import { defaultLimits } from '../../packages/extractors/src/images/limits.ts';
import type { Preprocessing } from '../../packages/extractors/src/table/definition.ts';
import { inspectImage } from '../../services/ingest/src/intake/inspection.ts';

const help = `npm run field -- FOLDER [--json]

Decodes every file of FOLDER with two preprocessings, RGB 224 and gray 28. Beside FILE, FILE.expect.png is the 8-bit sRGB
picture that a person sees, what is transparent laid on white. A file is right where
  decoded      the mean absolute difference of decoded values is at most 3 in both (or nothing is expected of it)
  refused      both preprocessings refuse it with one code, and so does ingest where the header shows it; a file that
               has an expected picture is whole: it may be image-type-unsupported, and nothing else

The reason of a refusal is printed for a person to judge.
Exit code: 0 when all are right, 1 when one is not, 2 when the call is wrong.
`;

/** Both on white, as expected pictures are. */
const preprocessings: Readonly<Record<'rgb' | 'gray', Preprocessing>> = {
  rgb: { colour: 'rgb', side: 224, fit: 'cover', resizedSide: 256, kernel: 'cubic', background: 255 },
  gray: { colour: 'gray', side: 28, fit: 'contain', resizedSide: 28, kernel: 'cubic', background: 255 },
};
const largestDifference = 3;
const expectedSuffix = '.expect.png';

interface Refusal {
  readonly code: string;
  readonly reason: string;
}

type Outcome = Uint8Array | Refusal;

const isRefusal = (outcome: object): outcome is Refusal => 'code' in outcome;

export interface FieldResult {
  readonly file: string;
  readonly verdict: string;
  readonly right: boolean;
  /** Mean absolute differences of values from 0 to 255. */
  readonly differences?: Readonly<Record<string, number>>;
  readonly reason?: string;
}

async function attempt<T>(work: () => Promise<T>): Promise<T | Refusal> {
  try {
    return await work();
  } catch (thrown) {
    const { code, message } = asHeadwaterError(thrown);
    return { code, reason: message };
  }
}

const decode = (image: Uint8Array, preprocessing: Preprocessing): Promise<Outcome> =>
  attempt(() => decodeImage(image, preprocessing, defaultLimits));

function meanDifference(one: Uint8Array, other: Uint8Array): number {
  const sum = one.reduce((total, value, index) => total + Math.abs(value - (other[index] ?? 0)), 0);
  return Math.round((100 * sum) / one.length) / 100;
}

function refused(file: string, outcomes: readonly object[], isWhole: boolean): FieldResult {
  const refusals = outcomes.filter(isRefusal);
  const codes = [...new Set(refusals.map(({ code }) => code))];
  const allows = !isWhole || codes[0] === 'image-type-unsupported';
  const right = codes.length === 1 && outcomes.slice(1).every(isRefusal) && allows;
  return { file, verdict: codes.join(' and '), right, reason: refusals[0]?.reason ?? '' };
}

async function compare(
  file: string,
  outcomes: Record<string, Uint8Array>,
  expected?: Buffer,
): Promise<FieldResult> {
  if (!expected) return { file, verdict: 'decoded', right: true };
  const differences: Record<string, number> = {};
  for (const [name, preprocessing] of Object.entries(preprocessings)) {
    const picture = await decodeImage(expected, preprocessing, defaultLimits);
    differences[name] = meanDifference(picture, outcomes[name] ?? new Uint8Array());
  }
  const right = Object.values(differences).every((difference) => difference <= largestDifference);
  return { file, verdict: 'decoded', right, differences };
}

/** Decodes one file; `expected` is the PNG of what a person sees. */
export async function checkFile(file: string, image: Buffer, expected?: Buffer): Promise<FieldResult> {
  const ingest = await attempt(() => inspectImage(image, defaultLimits));
  const rgb = await decode(image, preprocessings.rgb);
  const gray = await decode(image, preprocessings.gray);
  if (isRefusal(ingest) || isRefusal(rgb) || isRefusal(gray)) {
    return refused(file, [ingest, rgb, gray], expected !== undefined);
  }
  return await compare(file, { rgb, gray }, expected);
}

async function checkFolder(folder: string): Promise<FieldResult[]> {
  const names = (await readdir(folder)).sort();
  const results: FieldResult[] = [];
  for (const file of names.filter((name) => !name.endsWith(expectedSuffix))) {
    const expected = names.includes(file + expectedSuffix)
      ? await readFile(join(folder, file + expectedSuffix))
      : undefined;
    results.push(await checkFile(file, await readFile(join(folder, file)), expected));
  }
  return results;
}

function lineOf({ file, verdict, right, differences, reason }: FieldResult): string {
  const figures = Object.entries(differences ?? {}).map(([name, value]) => `${name} ${value.toFixed(2)}`);
  return [right ? 'right' : 'WRONG', file.padEnd(32), verdict, ...figures, reason ?? ''].join('  ').trimEnd();
}

/** Undefined where it has options that there are not. */
function readCall(args: readonly string[]) {
  const options = { json: { type: 'boolean' }, help: { type: 'boolean' } } as const;
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    return { ...values, folder: positionals[0] };
  } catch {
    return undefined;
  }
}

/** Resolves to the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const call = readCall(args);
  if (!call?.folder) {
    (call?.help ? process.stdout : process.stderr).write(help);
    return call?.help ? 0 : 2;
  }
  const results = await checkFolder(call.folder);
  const text = call.json ? JSON.stringify(results) : results.map(lineOf).join('\n');
  process.stdout.write(`${text}\n`);
  return results.every(({ right }) => right) ? 0 : 1;
}
