/**
 * Imports a training set from a file as labels and vectors, from which the join makes examples. Skips what
 * the topics contain already, so an import can be repeated and resumed.
 */
import { join } from 'node:path';
import { RebuiltJoin } from '../rebuild/rebuilt-join.ts';
import type { ExampleRow } from './example-files/api.ts';
import { Sender } from './examples-sender.ts';
import { verifyFile } from './file-verification.ts';
import type { ImportExamplesOptions, ImportReport } from './import-options.ts';

/** Rows that are looked up, sent and awaited together. */
const batchSize = 200;

/**
 * First verifies the whole file by its digest, and sends nothing of an invalid one. Errors: record-invalid,
 * avro-invalid, schema-incompatible (with the place in the file), statistics-mismatch (not the stated set),
 * topic-missing, topic-mismatch, log-unavailable, store-unavailable, and the signal's reason: records sent
 * until then stay.
 */
export async function importExamples(options: ImportExamplesOptions): Promise<ImportReport> {
  const { clients, config, path, format, signal, progress } = options;
  const header = await format.readHeader(path);
  const { examples, setDigest } = await verifyFile(options, header);
  const known = await RebuiltJoin.load({
    ...clients,
    config,
    extractor: header.extractor,
    others: config.EXTRACTORS,
    folder: join(config.DATA_DIR, 'backfill'),
    signal,
    progress,
  });
  try {
    const producer = await clients.log.openProducer();
    try {
      const sender = await Sender.open({ clients, header, known, producer });
      await sendAll(sender, options, examples);
      const { extractor, task } = header;
      const { vectorsSent, labelsSent, unchanged } = sender;
      return { extractor, task, examples, setDigest, vectorsSent, labelsSent, unchanged };
    } finally {
      await producer.close();
    }
  } finally {
    await known.close();
  }
}

async function sendAll(sender: Sender, options: ImportExamplesOptions, examples: number): Promise<void> {
  const { path, format, signal, progress, stopped } = options;
  try {
    for await (const rows of batches(format.read(path))) {
      signal?.throwIfAborted();
      await sender.send(rows);
      progress?.({ stage: 'sending', done: sender.rows, total: examples });
    }
  } catch (error) {
    const { rows: done, vectorsSent, labelsSent } = sender;
    stopped?.({ examples, done, vectorsSent, labelsSent });
    throw error;
  }
}

async function* batches(rows: AsyncIterable<ExampleRow>): AsyncGenerator<ExampleRow[]> {
  let batch: ExampleRow[] = [];
  for await (const row of rows) {
    batch.push(row);
    if (batch.length < batchSize) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
