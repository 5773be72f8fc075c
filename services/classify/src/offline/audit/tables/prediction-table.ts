/**
 * The predictions by vector and task, on disk, and since when each task was predicted in each partition.
 * Predictions expire by age, so none can be required before the first remaining one.
 */
import type { LogRecord, RecordPlace } from '@headwater/log';
import type { ImageClassified } from '@headwater/schemas';
import type { Draft, StateReader } from '../../../store/state.ts';
import { imageDigest } from './image-records.ts';

/** Marks predictions of a repair: they are out of order, and do not show when a task was predicted. */
export const repairedHeader = 'headwater.repaired';

/** The stored part of a prediction. */
export interface Answered {
  /** Kind and version of the head; null where none served. */
  readonly head: string | null;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly repaired: boolean;
}

export interface IncomingPrediction {
  readonly source: RecordPlace;
  readonly extractor: string;
  readonly prediction: ImageClassified;
}

interface Span {
  readonly first: bigint;
  last: bigint;
}

export class PredictionTable {
  /** Span by place of the vectors, by task. */
  readonly #spans = new Map<string, Map<string, Span>>();

  /** `source`: the predicted vector; `extractor`: its extractor, which may differ from that of the task. */
  put(draft: Draft, record: LogRecord, { source, extractor, prediction }: IncomingPrediction): void {
    const { task, imageId, receivedAt, head, predictedAt: at } = prediction;
    const repaired = record.headers[repairedHeader] !== undefined;
    const name = head === null ? null : `${prediction.extractor} ${head.kind} ${head.version}`;
    const answered: Answered = { head: name, at, repaired };
    draft.put(placeKey(source, task), Buffer.from(JSON.stringify(answered)));
    draft.put(answerKey(extractor, { imageId, task, receivedAt }), Buffer.alloc(0));
    if (!repaired && prediction.extractor === extractor) this.#extend(source, task);
  }

  /** Tasks that were predicted in the partition of this vector before it, by the remaining predictions. */
  *expectedBefore({ topic, partition, offset }: RecordPlace): Generator<string> {
    const spans = this.#spans.get(`${topic}/${partition}`) ?? [];
    for (const [task, { first }] of spans) if (first < offset) yield task;
  }

  /** Whether the task was predicted for a later vector of this partition. */
  isExpectedAfter({ topic, partition, offset }: RecordPlace, task: string): boolean {
    const last = this.#spans.get(`${topic}/${partition}`)?.get(task)?.last;
    return last !== undefined && last > offset;
  }

  #extend({ topic, partition, offset }: RecordPlace, task: string): void {
    const key = `${topic}/${partition}`;
    const spans = this.#spans.get(key) ?? new Map<string, Span>();
    this.#spans.set(key, spans);
    const span = spans.get(task);
    if (span === undefined) spans.set(task, { first: offset, last: offset });
    else if (offset > span.last) span.last = offset;
  }
}

export function answeredAt(state: StateReader, place: RecordPlace, task: string): Answered | undefined {
  const bytes = state.get(placeKey(place, task));
  return bytes === undefined ? undefined : (JSON.parse(bytes.toString('utf8')) as Answered);
}

/** One arrival of an image, and one task. */
export type Question = Pick<ImageClassified, 'imageId' | 'task' | 'receivedAt'>;

/** Whether it was predicted from the vector of this extractor. */
export function isPredictedThrough(state: StateReader, extractor: string, question: Question): boolean {
  return state.get(answerKey(extractor, question)) !== undefined;
}

/** The nearest prediction of the task before or behind a vector in its partition, repairs excluded. */
export function neighbour(
  state: StateReader,
  place: RecordPlace,
  task: string,
  side: 'before' | 'behind',
): Answered | undefined {
  const range = { from: placeKey(place, task), descending: side === 'before' };
  for (const { value } of state.range(partitionPrefix(place, task), range)) {
    const answered = JSON.parse(value.toString('utf8')) as Answered;
    if (!answered.repaired) return answered;
  }
  return undefined;
}

function partitionPrefix({ topic, partition }: RecordPlace, task: string): string {
  return `prediction/${encodeURIComponent(topic)}/${partition}/${encodeURIComponent(task)}/`;
}

/** Offsets that sort as text. */
function placeKey(place: RecordPlace, task: string): string {
  return `${partitionPrefix(place, task)}${String(place.offset).padStart(19, '0')}`;
}

function answerKey(extractor: string, { imageId, task, receivedAt }: Question): string {
  return `answer/${encodeURIComponent(extractor)}/${imageDigest(imageId)}/${encodeURIComponent(task)}/${receivedAt}`;
}
