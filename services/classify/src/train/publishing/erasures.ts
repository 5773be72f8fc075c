/**
 * When an image is erased, so are the heads that may have learned it: they cannot serve again, whoever asks. What the log says is enough
 * to know them: a head has learned the examples before its watermark, and an example is erased by a tombstone at an offset. Heads whose
 * watermark is not behind it go as soon as their line has a head whose watermark is, or when the labelled set is gone.
 */
import type { LogRecord, OutgoingRecord } from '@headwater/log';
import { compositeKey, type HeadActivated, type HeadKind, parseCompositeKey } from '@headwater/schemas';
import type { HeadsTable, KnownHead } from '../../model-registry/heads-table.ts';
import { servingRecord } from '../../model-registry/serving-record.ts';
import { erasedKey, erasedMark } from '../../store/rewriting.ts';
import type { Draft, StateReader } from '../../store/state.ts';
import { setId } from '../examples/example-bytes.ts';
import type { HeadSeries } from '../scoring/head-series.ts';
import type { Publication } from './head-publisher.ts';
import type { PublicationOptions } from './publication.ts';

const erasedPrefix = 'erased/';

/** Names a labelled set. */
interface SetName {
  readonly extractor: string;
  readonly task: string;
}

/** The last tombstone among the examples of a labelled set. */
export interface Erasure extends SetName {
  readonly offset: bigint;
}

/** To be kept with the example that is gone. */
export function recordErasure(draft: Draft, { extractor, task }: SetName, offset: bigint): void {
  const plain = JSON.stringify({ extractor, task, offset: String(offset) });
  draft.put(`${erasedPrefix}${setId(extractor, task)}`, Buffer.from(plain));
  draft.put(erasedKey, erasedMark);
}

/** What a tombstone among the examples erases; undefined for any other record. */
export function erasedExample({
  key,
  value,
}: LogRecord): (SetName & { readonly imageId: string }) | undefined {
  if (value !== null) return undefined;
  const [extractor, task, imageId] = parseCompositeKey(key?.toString('utf8') ?? '');
  if (extractor === undefined || task === undefined || imageId === undefined) return undefined;
  return { extractor, task, imageId };
}

export function readErasures(reader: StateReader): Erasure[] {
  return [...reader.range(erasedPrefix)].map(({ value }) => {
    const { extractor, task, offset } = JSON.parse(value.toString('utf8')) as Record<keyof Erasure, string>;
    return { extractor, task, offset: BigInt(offset) };
  });
}

/** Whether a head that has learned up to there may have learned what was erased. */
export function mayHaveLearned(erasures: readonly Erasure[], head: SetName, watermark: bigint): boolean {
  return erasures.some(
    ({ extractor, task, offset }) =>
      extractor === head.extractor && task === head.task && watermark <= offset,
  );
}

export interface ErasedHeadsOptions extends Pick<PublicationOptions, 'topics' | 'serving'> {
  readonly table: HeadsTable;
  /** All lines of the partition, with the heads that were committed. */
  readonly lines: readonly HeadSeries[];
  /** Whether the set still has examples. */
  hasExamples(set: SetName): boolean;
}

/** The publication, and with it tombstones for the heads that it allows to go; where one of them serves, something else does. */
export function withErasedHeadTombstones(
  publication: Publication,
  erasures: readonly Erasure[],
  options: ErasedHeadsOptions,
): Publication {
  const gone = erasures.flatMap((erasure) => erasedHeads(publication, erasure, options));
  const tombstones = gone.map((head) => ({
    topic: options.topics.heads,
    key: keyOf(head),
    value: null,
  }));
  let result: Publication = { ...publication, records: [...publication.records, ...tombstones] };
  for (const task of new Set(erasures.map((erasure) => erasure.task))) {
    result = withServing(result, task, gone, options);
  }
  return result;
}

function erasedHeads(
  publication: Publication,
  erasure: Erasure,
  { table, lines, hasExamples }: ErasedHeadsOptions,
): KnownHead[] {
  const { extractor, task, offset } = erasure;
  const kept = new Map<HeadKind, ReadonlySet<number>>();
  for (const kind of new Set([
    ...lines.map((line) => line.kind),
    ...table.headsOf(task).map((one) => one.kind),
  ])) {
    const published = publication.heads.map(({ trained }) => trained);
    const newest = lines.map((line) => line.newest).filter((head) => head !== undefined);
    const successors = [...published, ...newest].filter(
      (head) =>
        head.extractor === extractor && head.task === task && head.kind === kind && head.watermark > offset,
    );
    kept.set(kind, new Set(successors.map(({ version }) => version)));
  }
  const isReplaced = (kind: HeadKind) => (kept.get(kind)?.size ?? 0) > 0 || !lines.some(isOf(erasure, kind));
  return table
    .headsOf(task)
    .filter((head) => head.extractor === extractor && head.watermark <= offset)
    .filter(({ kind, version }) => !kept.get(kind)?.has(version))
    .filter(({ kind }) => !hasExamples(erasure) || isReplaced(kind));
}

/** A pin holds against champions, not against an erasure. */
function withServing(
  publication: Publication,
  task: string,
  gone: readonly KnownHead[],
  options: ErasedHeadsOptions,
): Publication {
  const { table, lines, topics } = options;
  const current = table.activation(task);
  const chosen = publication.serving.get(task);
  const next = chosen === undefined ? current : chosen;
  if (next === undefined || next === null) return publication;
  const published = publication.heads.map(({ trained }) => trained);
  const isThere =
    !gone.some((head) => isSame(head, next)) &&
    (table.head(next, next.version) !== undefined ||
      [...published, ...newestOf(lines)].some((head) => isSame(head, next)));
  if (isThere) return publication;
  const successor = [...published, ...newestOf(lines)].find(
    (head) =>
      head.task === task &&
      head.extractor === next.extractor &&
      head.kind === next.kind &&
      !gone.some((erased) => isSame(erased, head)),
  );
  const activation: HeadActivated | null =
    successor === undefined || !options.hasExamples(successor)
      ? null
      : {
          task,
          extractor: successor.extractor,
          kind: successor.kind,
          version: successor.version,
          reason: 'champion',
          activatedAt: Date.now(),
        };
  const record = servingRecord(task, activation, options, { unpins: true });
  const others = publication.records.filter((one) => !isServingOf(one, topics.serving, task));
  return {
    ...publication,
    records: [...others, record],
    serving: new Map(publication.serving).set(task, activation),
  };
}

function newestOf(lines: readonly HeadSeries[]) {
  return lines.map(({ newest }) => newest).filter((head) => head !== undefined);
}

function isOf({ extractor, task }: SetName, kind: HeadKind): (line: HeadSeries) => boolean {
  return (line) => line.extractor === extractor && line.task === task && line.kind === kind;
}

function isSame(
  a: SetName & { readonly kind: HeadKind; readonly version: number },
  b: SetName & { readonly kind: HeadKind; readonly version: number },
): boolean {
  return a.extractor === b.extractor && a.task === b.task && a.kind === b.kind && a.version === b.version;
}

function isServingOf(record: OutgoingRecord, topic: string, task: string): boolean {
  return record.topic === topic && String(record.key) === task;
}

function keyOf({ extractor, task, kind, version }: KnownHead): string {
  return compositeKey(extractor, task, kind, String(version));
}
