/**
 * The output that each record requires, by the rules in docs/guides/audit.md. A judgement depends on the
 * tables alone, so it can be repeated on newer ones: before a finding is reported, and before a repair
 * writes.
 */
import type { Names } from '@headwater/log';
import { classOfLabel } from '@headwater/schemas';
import { erasureAnnotator } from '../../join/partition-join.ts';
import { compareLabels, winner } from '../../join/state/image-state.ts';
import type { CommittedSnapshot } from './committed-snapshot.ts';
import type { ExpectedTasks } from './expected-tasks.ts';
import type { FindingKind } from './findings.ts';
import type { Suspect } from './suspect.ts';
import { isDeadLetter } from './tables/dead-letter-table.ts';
import { knownExample } from './tables/example-table.ts';
import { type ImageRecord, isMoving, vectorRecord } from './tables/image-records.ts';
import { answeredAt, isPredictedThrough, neighbour } from './tables/prediction-table.ts';
import type { AuditTables, VectorWithoutPrediction } from './tables/tables.ts';

export interface Judgement {
  readonly kind: FindingKind;
  /** No vector or dead letter is there, but a dead letter may have existed. */
  readonly undecided?: true;
}

export interface JudgeOptions {
  readonly tables: AuditTables;
  readonly cut: CommittedSnapshot;
  readonly asked: ExpectedTasks;
  readonly names: Names;
  readonly extractors: readonly string[];
}

export class Judge {
  readonly #options: JudgeOptions;

  constructor(options: JudgeOptions) {
    this.#options = options;
  }

  /** Undefined where nothing is missing, or where that cannot be decided. */
  judge(suspect: Suspect): Judgement | undefined {
    const { extractor } = suspect;
    if (suspect.of === 'image') return this.#judgeImage(extractor, suspect.image);
    if (suspect.of === 'prediction') return this.#judgePrediction(extractor, suspect.vector);
    const kind = this.#judgeExample(extractor, suspect.task, suspect.imageId);
    return kind === undefined ? undefined : { kind };
  }

  #judgeImage(extractor: string, image: ImageRecord): Judgement | undefined {
    const { tables, cut, names } = this.#options;
    const { imageId, partition, offset, erases } = image;
    if (offset >= cut.extracted(extractor, partition)) return undefined;
    const place = { topic: names.topics.images, partition, offset };
    if (isDeadLetter(tables.store, names.groups.extract(extractor), place)) return undefined;
    if (imageId !== null && this.#hasOutcome(extractor, imageId, image)) return undefined;
    const kind = erases && imageId !== null ? 'erasure-missing' : 'vector-missing';
    return tables.mayHaveLostDeadLetter(image) ? { kind, undecided: true } : { kind };
  }

  /** A vector from elsewhere, or of a later record, may have replaced the expected one. */
  #hasOutcome(extractor: string, imageId: string, { partition, offset, erases }: ImageRecord): boolean {
    const { tables, names } = this.#options;
    const vector = vectorRecord(tables.store, extractor, imageId);
    if (vector === undefined) return erases;
    if (erases && vector.erases) return true;
    const { source } = vector;
    if (source === null || source.topic !== names.topics.images || source.partition !== partition)
      return true;
    return source.offset >= offset;
  }

  #judgePrediction(extractor: string, vector: VectorWithoutPrediction): Judgement | undefined {
    const { tables, asked, names } = this.#options;
    const { partition, offset, task } = vector;
    const place = { topic: names.topics.vectors(extractor), partition, offset };
    if (answeredAt(tables.store, place, task) !== undefined) return undefined;
    if (isDeadLetter(tables.store, names.groups.join, place)) return undefined;
    if (this.#mayBeAnsweredElsewhere(extractor, vector)) return undefined;
    const before = neighbour(tables.store, place, task, 'before');
    const behind = neighbour(tables.store, place, task, 'behind');
    const isAsked = tables.predictions.isExpectedAfter(place, task) || asked.isExpectedNow(task, extractor);
    if (!isAsked || before === undefined || !asked.wasExpectedSince(task, before, behind)) return undefined;
    return { kind: 'prediction-missing' };
  }

  /** With several extractors, the task may be predicted from another one's vector, which may come later. */
  #mayBeAnsweredElsewhere(extractor: string, vector: VectorWithoutPrediction): boolean {
    const { tables, cut, names, extractors } = this.#options;
    return extractors.some((other) => {
      if (other === extractor) return false;
      if (isPredictedThrough(tables.store, other, vector)) return true;
      const found = vectorRecord(tables.store, other, vector.imageId);
      return found === undefined || found.offset >= cut.joined(names.topics.vectors(other), found.partition);
    });
  }

  #judgeExample(extractor: string, task: string, imageId: string): FindingKind | undefined {
    const { tables } = this.#options;
    if (isMoving(tables.store, imageId)) return undefined;
    const known = knownExample(tables.store, extractor, task, imageId);
    const image = tables.join.image(imageId);
    const kept = image.vectors.get(extractor);
    if (kept === undefined) return known === undefined ? undefined : this.#judgeUnfounded(extractor, known);
    const stated = winner(image, task);
    const expected = stated && { ...stated, label: stated.label && classOfLabel(stated.label) };
    // The label may have expired, or may have come with a vector that compaction has dropped.
    if (expected === undefined) return undefined;
    if (expected.label === null && (known?.label ?? null) === null) return undefined;
    if (known === undefined) return 'example-missing';
    const order = compareLabels({ ...known, byPerson: expected.byPerson }, expected);
    // The newer label may be from the source of an image sent again after an erasure whose tombstone is
    // compacted.
    if (order > 0 || expected.annotator === erasureAnnotator) return undefined;
    // An expired label of a person wins over one of the source.
    if (order < 0 && !expected.byPerson && tables.haveLabelsExpired(imageId)) return undefined;
    const isSame = order === 0 && known.group === kept.group && known.vectorDigest === kept.digest;
    return isSame ? undefined : 'example-outdated';
  }

  /** An example of an image that was erased or never existed. */
  #judgeUnfounded(
    extractor: string,
    { imageId, label }: { readonly imageId: string; readonly label: string | null },
  ): FindingKind | undefined {
    const { tables, cut, names } = this.#options;
    if (label === null || tables.haveVectorsExpired(extractor, imageId)) return undefined;
    const topic = names.topics.vectors(extractor);
    if (!cut.isJoined(topic, tables.partitionOf(imageId))) return undefined;
    const vector = vectorRecord(tables.store, extractor, imageId);
    return vector === undefined || vector.erases ? 'example-unfounded' : undefined;
  }
}
