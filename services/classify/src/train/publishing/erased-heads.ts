/**
 * Tombstones for the heads that may have learned an erased example. Such a head goes as soon as its series has a head whose watermark is
 * behind the erasure, or when the training set has no examples left.
 */
import type { OutgoingRecord } from '@headwater/log';
import { compositeKey, type HeadKind } from '@headwater/schemas';
import type { HeadsTable, KnownHead } from '../../model-registry/heads-table.ts';
import { replaceErased } from '../../model-registry/serving-choice.ts';
import { servingRecord } from '../../model-registry/serving-record.ts';
import type { Erasure, SetName } from '../examples/erasures.ts';
import type { HeadSeries } from '../scoring/head-series.ts';
import type { Publication } from './head-publisher.ts';
import type { PublicationOptions } from './publication.ts';

export interface ErasedHeadsOptions extends Pick<PublicationOptions, 'topics' | 'serving'> {
  readonly table: HeadsTable;
  /** All series of the partition, with their committed heads. */
  readonly seriesList: readonly HeadSeries[];
  /** Whether the set still has examples. */
  hasExamples(set: SetName): boolean;
}

/** Adds tombstones for the heads that can go with this publication; replaces those that serve. */
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
  { table, seriesList, hasExamples }: ErasedHeadsOptions,
): KnownHead[] {
  const { extractor, task, offset } = erasure;
  const kept = new Map<HeadKind, ReadonlySet<number>>();
  for (const kind of new Set([
    ...seriesList.map((series) => series.kind),
    ...table.headsOf(task).map((one) => one.kind),
  ])) {
    const published = publication.heads.map(({ trained }) => trained);
    const newest = seriesList.map((series) => series.newest).filter((head) => head !== undefined);
    const successors = [...published, ...newest].filter(
      (head) =>
        head.extractor === extractor && head.task === task && head.kind === kind && head.watermark > offset,
    );
    kept.set(kind, new Set(successors.map(({ version }) => version)));
  }
  const isReplaced = (kind: HeadKind) =>
    (kept.get(kind)?.size ?? 0) > 0 || !seriesList.some(isOf(erasure, kind));
  return table
    .headsOf(task)
    .filter((head) => head.extractor === extractor && head.watermark <= offset)
    .filter(({ kind, version }) => !kept.get(kind)?.has(version))
    .filter(({ kind }) => !hasExamples(erasure) || isReplaced(kind));
}

/** An erasure overrides a pin. */
function withServing(
  publication: Publication,
  task: string,
  gone: readonly KnownHead[],
  options: ErasedHeadsOptions,
): Publication {
  const { table, seriesList, topics } = options;
  const current = table.activation(task);
  const chosen = publication.serving.get(task);
  const next = chosen === undefined ? current : chosen;
  if (next === undefined || next === null) return publication;
  const activation = replaceErased(next, {
    erased: gone,
    newest: [...publication.heads.map(({ trained }) => trained), ...newestOf(seriesList)],
    isKnown: (head) => table.head(head, head.version) !== undefined,
    hasExamples: options.hasExamples,
  });
  if (activation === undefined) return publication;
  const record = servingRecord(task, activation, options, { unpins: true });
  const others = publication.records.filter((one) => !isServingOf(one, topics.serving, task));
  return {
    ...publication,
    records: [...others, record],
    serving: new Map(publication.serving).set(task, activation),
  };
}

function newestOf(seriesList: readonly HeadSeries[]) {
  return seriesList.map(({ newest }) => newest).filter((head) => head !== undefined);
}

function isOf({ extractor, task }: SetName, kind: HeadKind): (series: HeadSeries) => boolean {
  return (series) => series.extractor === extractor && series.task === task && series.kind === kind;
}

function isServingOf(record: OutgoingRecord, topic: string, task: string): boolean {
  return record.topic === topic && String(record.key) === task;
}

function keyOf({ extractor, task, kind, version }: KnownHead): string {
  return compositeKey(extractor, task, kind, String(version));
}
