/**
 * What has become of dead letters: retried or dropped. It is written into their own topic, by the transaction that writes the
 * retried records, so that no letter is retried twice whatever happens in between; a mark is younger than the letters it is about, so
 * it outlives them.
 */
import type { LogRecord, OutgoingRecord } from '@headwater/log';
import { OffsetSet } from './offset-set.ts';

export const resolutions = ['retried', 'dropped'] as const;
export type Resolution = (typeof resolutions)[number];

/** The value of such a header is a list of offsets in the mark's partition, such as `0-41,43`. */
const headers: Readonly<Record<Resolution, string>> = {
  retried: 'headwater.dead-letters.retried',
  dropped: 'headwater.dead-letters.dropped',
};

/** A record of a dead letter topic that is no dead letter. */
export function isResolutionRecord({ headers: found }: Pick<LogRecord, 'headers'>): boolean {
  return resolutions.some((settlement) => found[headers[settlement]] !== undefined);
}

/** One mark for each partition that `offsets` names. */
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

/** What the marks of one partition say. */
export class ResolvedOffsets {
  readonly #sets: Record<Resolution, OffsetSet> = { retried: new OffsetSet(), dropped: new OffsetSet() };

  /** A mark that cannot be read says nothing. */
  note(record: LogRecord): void {
    for (const settlement of resolutions) {
      const text = record.headers[headers[settlement]]?.toString('utf8');
      if (text !== undefined) this.#sets[settlement].addText(text);
    }
  }

  of(offset: bigint): Resolution | undefined {
    return resolutions.find((settlement) => this.#sets[settlement].has(offset));
  }
}
