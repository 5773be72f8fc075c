import type { Log, LogRecord, OutgoingRecord } from '@headwater/log';
import { uniqueName } from '../unique-name.ts';

/** Header names as stored in topics, written out: a renamed constant must fail the contract. */
export const sourceHeaders = {
  topic: 'headwater.source.topic',
  partition: 'headwater.source.partition',
  offset: 'headwater.source.offset',
} as const;

export const deadLetterHeaders = {
  topic: '__connect.errors.topic',
  partition: '__connect.errors.partition',
  offset: '__connect.errors.offset',
  stage: '__connect.errors.stage',
  exceptionClass: '__connect.errors.exception.class.name',
  exceptionMessage: '__connect.errors.exception.message',
} as const;

export async function createTopic(
  log: Log,
  partitions: number,
  settings: Record<string, string> = {},
): Promise<string> {
  const name = uniqueName('topic');
  await log.admin.ensureTopics([{ name, partitions, settings }], { create: true });
  return name;
}

export async function produce(log: Log, records: readonly OutgoingRecord[]): Promise<void> {
  const producer = await log.openProducer();
  await producer.send(records);
  await producer.close();
}

export async function readAll(log: Log, topic: string): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  const partitions = (await log.admin.partitions(topic)) ?? 0;
  for (let partition = 0; partition < partitions; partition += 1) {
    for await (const chunk of log.read({ topic, partition })) records.push(...chunk);
  }
  return records;
}

export function texts(records: readonly LogRecord[]): string[] {
  return records.map(({ value }) => value?.toString() ?? '<null>');
}

export function numbered(topic: string, count: number, from = 0): OutgoingRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    topic,
    key: `key-${from + index}`,
    value: Buffer.from(`value-${from + index}`),
  }));
}

/** Accepts records over the default limit, so that it can take a dead letter with its added headers. */
export async function createDeadLetterTopic(log: Log, name: string): Promise<void> {
  const settings = { 'max.message.bytes': '2097152' };
  await log.admin.ensureTopics([{ name, partitions: 1, settings }], { create: true });
}
