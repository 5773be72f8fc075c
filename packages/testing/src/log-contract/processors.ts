import type {
  Log,
  LogRecord,
  PartitionGroup,
  PartitionGroupOptions,
  PartitionProcessor,
  ProcessorOutput,
} from '@headwater/log';
import { expect, onTestFinished } from 'vitest';
import { sourceHeaders } from './topic-records.ts';

/** Copies each record to another topic. */
export function copyTo(topic: string, records: readonly LogRecord[]): ProcessorOutput {
  return {
    records: records.map((record) => ({ topic, key: record.key, value: record.value, cause: record })),
    deadLetters: [],
  };
}

export type Process = (
  records: readonly LogRecord[],
  signal: AbortSignal,
  partition: number,
) => Promise<ProcessorOutput>;

/** Opens a partition group that runs `process`, and closes it after the test. */
export async function startPartitionGroup(
  log: Log,
  options: Partial<PartitionGroupOptions> & { readonly topics: readonly string[]; readonly group: string },
  process: Process,
  processor: Partial<PartitionProcessor> = {},
): Promise<PartitionGroup> {
  const partitionGroup = await log.openPartitionGroup({
    transactionalId: (partition) => `${options.group}-${partition}`,
    deadLetterTopic: (topic) => `${topic}-dlt`,
    open: async ({ index }) => ({
      process: (records, signal) => process(records, signal, index),
      close: () => undefined,
      ...processor,
    }),
    ...options,
  });
  onTestFinished(() => partitionGroup.close().catch(() => undefined));
  return partitionGroup;
}

/** Source positions in the headers of the outputs, as `partition/offset`, sorted. */
export function sourceOffsets(records: readonly LogRecord[]): string[] {
  return records
    .map(
      ({ headers }) =>
        `${headers[sourceHeaders.partition]}/${String(headers[sourceHeaders.offset]).padStart(8, '0')}`,
    )
    .sort();
}

/** Expects exactly one output of each input. */
export function expectEachOnce(inputs: readonly LogRecord[], outputs: readonly LogRecord[]): void {
  const expected = inputs.map(({ partition, offset }) => `${partition}/${String(offset).padStart(8, '0')}`);
  expect(sourceOffsets(outputs)).toEqual(expected.sort());
}
