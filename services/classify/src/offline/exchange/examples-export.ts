/** Exports a training set from the topic `examples` to a file, with the digest for verification. */
import { rename, rm } from 'node:fs/promises';
import { addDigest, digestExample, formatDigest } from '@headwater/heads';
import { HeadCatalog } from '../../model-registry/head-catalog.ts';
import type { LabelledExample } from '../rebuild/example-table.ts';
import { chooseExtractor, loadTable, noExamples, type SetOptions } from '../rebuild/sources.ts';
import type { ExampleFormat, SetHeader } from './example-files/api.ts';

export interface ExportExamplesOptions extends SetOptions {
  /** Undefined: that of the serving head, of the newest one, or the first of EXTRACTORS. */
  readonly extractor?: string | undefined;
  readonly path: string;
  readonly format: ExampleFormat;
}

/**
 * The file gets its name when it is complete; equal sets give equal lines. Memory holds one block of rows,
 * the disk under DATA_DIR one copy of the set. Errors: not-found for a missing task, head-not-ready for an
 * empty set, topic-missing, log-unavailable, those of the file system, the signal's reason.
 */
export async function exportExamples(options: ExportExamplesOptions): Promise<SetHeader> {
  const { clients, task, path, format, progress } = options;
  const extractor = options.extractor ?? chooseExtractor(await HeadCatalog.read(clients), options);
  const table = await loadTable(options, extractor);
  const part = `${path}.part`;
  try {
    if (table.size === 0) throw noExamples(await HeadCatalog.read(clients), task, extractor);
    const setDigest = await digestSet(table.examples());
    const header = { extractor, task, dimensions: table.dimensions, examples: table.size, setDigest };
    const counted = count(table.examples(), (done) =>
      progress?.({ stage: 'writing examples', done, total: table.size }),
    );
    await format.write(part, header, counted);
    await rename(part, path);
    return header;
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  } finally {
    await table.close();
  }
}

async function digestSet(examples: AsyncIterable<LabelledExample>): Promise<string> {
  let digest = 0n;
  for await (const example of examples) {
    digest = addDigest(digest, digestExample(example.extractor, example.task, example));
  }
  return formatDigest(digest);
}

async function* count<T>(items: AsyncIterable<T>, report: (done: number) => void): AsyncGenerator<T> {
  let done = 0;
  for await (const item of items) {
    report(++done);
    yield item;
  }
}
