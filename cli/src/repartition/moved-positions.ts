/**
 * New positions of moved records. The headers of outputs name their source record by its position, so they are
 * rewritten.
 */
import { type Log, type LogRecord, movedHeader, sourceHeaders } from '@headwater/log';
import type { PartitionRange } from './merged-records.ts';

/** Eight bytes for each offset of the former topic: partition · 2⁴⁰ + offset; −1 for none. */
const offsets = 2 ** 40;

export class MovedPositions {
  readonly #run: string;
  readonly #places = new Map<string, readonly { readonly low: number; readonly to: Float64Array }[]>();

  constructor(run: string) {
    this.#run = run;
  }

  /** `former`: ranges of the topic before it was moved. */
  async load(
    log: Pick<Log, 'admin' | 'read'>,
    topic: string,
    former: readonly PartitionRange[],
  ): Promise<void> {
    const table = former.map(({ from, to }) => ({
      low: Number(from),
      to: new Float64Array(Number(to - from)).fill(-1),
    }));
    for (const partition of (await log.admin.offsets(topic)).keys()) {
      for await (const records of log.read({ topic, partition })) {
        for (const record of records) {
          const [run, at = '', offset = ''] = record.headers[movedHeader]?.toString('utf8').split('/') ?? [];
          const row = run === this.#run ? table[Number(at)] : undefined;
          if (row !== undefined)
            row.to[Number(offset) - row.low] = partition * offsets + Number(record.offset);
        }
      }
    }
    this.#places.set(topic, table);
  }

  /** Headers of a copy that leaves `record.partition`. A source that is not there any more is not named either. */
  headersOf(record: LogRecord): Record<string, Buffer> {
    const {
      [sourceHeaders.topic]: topic,
      [sourceHeaders.partition]: at,
      [sourceHeaders.offset]: offset,
    } = record.headers;
    const moved = { [movedHeader]: Buffer.from(`${this.#run}/${record.partition}/${record.offset}`) };
    const table = this.#places.get(topic?.toString('utf8') ?? '');
    if (table === undefined) return { ...record.headers, ...moved };
    const row = table[Number(at)];
    const place = row?.to[Number(offset) - row.low] ?? -1;
    const others = Object.entries(record.headers).filter(([name]) => !named.has(name));
    return { ...Object.fromEntries(others), ...moved, ...(place < 0 ? {} : headersOf(topic, place)) };
  }
}

const named = new Set<string>(Object.values(sourceHeaders));

function headersOf(topic: Buffer | undefined, place: number): Record<string, Buffer> {
  return {
    [sourceHeaders.topic]: topic ?? Buffer.alloc(0),
    [sourceHeaders.partition]: Buffer.from(String(Math.floor(place / offsets))),
    [sourceHeaders.offset]: Buffer.from(String(place % offsets)),
  };
}
