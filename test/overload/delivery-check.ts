/** Checks by the topics that each accepted and processed image has exactly one vector. */
import { type Log, type LogRecord, type Names, sourceHeaders } from '@headwater/log';

export interface Books {
  /** Accepted over HTTP, and not in the log. */
  readonly lost: number;
  /** Committed by extract, with neither a vector nor a dead letter. */
  readonly withoutOutcome: number;
  /** Surplus vectors of one record. */
  readonly duplicates: number;
  /** Committed by extract. */
  readonly done: number;
}

export async function lagOf(log: Log, names: Names, extractor: string): Promise<number> {
  const { images } = names.topics;
  const ends = await log.admin.offsets(images);
  const committed = await log.admin.committed(names.groups.extract(extractor), images);
  return ends.reduce(
    (sum, { low, high }, partition) => sum + Number(high - (committed[partition] ?? low)),
    0,
  );
}

export async function balance(
  log: Log,
  names: Names,
  extractor: string,
  accepted: Iterable<string>,
): Promise<Books> {
  const { images, vectors, deadLetters } = names.topics;
  const missing = new Set(accepted);
  const committed = await log.admin.committed(names.groups.extract(extractor), images);
  const outcomes = new Map<string, number>();
  for (const topic of [vectors(extractor), deadLetters(images)]) {
    await each(log, topic, ({ headers }) => {
      const place = `${headers[sourceHeaders.partition]}/${headers[sourceHeaders.offset]}`;
      outcomes.set(place, (outcomes.get(place) ?? 0) + 1);
    });
  }
  let [done, withoutOutcome] = [0, 0];
  await each(log, images, ({ key, partition, offset }) => {
    missing.delete(String(key));
    if (offset >= (committed[partition] ?? 0n)) return;
    done += 1;
    if (!outcomes.has(`${partition}/${offset}`)) withoutOutcome += 1;
  });
  const duplicates = [...outcomes.values()].reduce((sum, count) => sum + count - 1, 0);
  return { lost: missing.size, withoutOutcome, duplicates, done };
}

async function each(log: Log, topic: string, handle: (record: LogRecord) => void): Promise<void> {
  const partitions = (await log.admin.partitions(topic)) ?? 0;
  for (let partition = 0; partition < partitions; partition += 1) {
    for await (const chunk of log.read({ topic, partition })) for (const record of chunk) handle(record);
  }
}
