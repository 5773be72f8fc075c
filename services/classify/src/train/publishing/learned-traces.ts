/**
 * Traces of the newest examples of each training set, so that the trace of a label leads to the first head that has
 * learned it. Bounded; empty where examples have no trace.
 */
import { type LogRecord, type OutgoingRecord, type TraceHeaders, traceHeadersOf } from '@headwater/log';
import type { SetName } from '../examples/erasures.ts';
import { setId } from '../examples/example-bytes.ts';

/** Of one training set; older ones are forgotten. */
const mostExamples = 128;

type RecordTrace = Pick<OutgoingRecord, 'headers' | 'traceLinks'>;

const none: RecordTrace = {};

export class LearnedTraces {
  /** By training set: offset of the example to its trace, in order. */
  readonly #sets = new Map<string, Map<bigint, TraceHeaders>>();

  learned({ extractor, task }: SetName, { offset, headers }: Pick<LogRecord, 'offset' | 'headers'>): void {
    const trace = traceHeadersOf(headers);
    if (trace === undefined) return;
    const id = setId(extractor, task);
    const traces = this.#sets.get(id) ?? new Map<bigint, TraceHeaders>();
    this.#sets.set(id, traces);
    // A batch that failed is learned again.
    traces.delete(offset);
    traces.set(offset, trace);
    const [oldest] = traces.keys();
    if (traces.size > mostExamples && oldest !== undefined) traces.delete(oldest);
  }

  /**
   * For the record of a head that has learned the examples before `watermark`: the trace of the newest that the head
   * before it, up to `former`, had not learned; the others contributed.
   */
  of({ extractor, task }: SetName, watermark: number, former: number): RecordTrace {
    const traces = this.#sets.get(setId(extractor, task));
    if (traces === undefined) return none;
    const fresh = [...traces].filter(([offset]) => offset >= former && offset < watermark);
    const newest = fresh.at(-1)?.[1];
    if (newest === undefined) return none;
    return { headers: { ...newest }, traceLinks: fresh.slice(0, -1).map(([, trace]) => trace) };
  }
}
