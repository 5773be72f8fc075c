/**
 * Resolution records state which dead letters were retried or dropped. They are written to the same topic, in the
 * transaction of the retried records, so that no dead letter is retried twice; they are younger than their dead
 * letters, so they expire later.
 */
import type { LogRecord, OutgoingRecord } from '@headwater/log';
import { OffsetSet } from './offset-set.ts';

const resolutions = ['retried', 'dropped'] as const;
export type Resolution = (typeof resolutions)[number];

/** The value of the header is a list of offsets in the partition of the record, such as `0-41,43`. */
const headers: Readonly<Record<Resolution, string>> = {
  retried: 'headwater.dead-letters.retried',
  dropped: 'headwater.dead-letters.dropped',
};

/** Whether a record of a dead-letter topic is a resolution record. */
export function isResolutionRecord({ headers: found }: Pick<LogRecord, 'headers'>): boolean {
  return resolutions.some((settlement) => found[headers[settlement]] !== undefined);
}

/** One record for each partition in `offsets`. */
export function resolutionRecords(
  topic: string,
  settlement: Resolution,
  offsets: ReadonlyMap<number, OffsetSet>,
): OutgoingRecord[] {
  return [...offsets].map(([partition, set]) => ({
    topic,
    partition,
    key: null,
    value: null,
    headers: { [headers[settlement]]: set.toString() },
  }));
}

/** The resolved offsets of one partition. */
export class ResolvedOffsets {
  readonly #sets: Record<Resolution, OffsetSet> = { retried: new OffsetSet(), dropped: new OffsetSet() };

  /** Adds a resolution record; a malformed one is ignored. */
  note(record: LogRecord): void {
    for (const settlement of resolutions) {
      const text = record.headers[headers[settlement]]?.toString('utf8');
      if (text !== undefined) this.#sets[settlement].addText(text);
    }
  }

  of(offset: bigint): Resolution | undefined {
    return resolutions.find((resolution) => this.#sets[resolution].has(offset));
  }
}
