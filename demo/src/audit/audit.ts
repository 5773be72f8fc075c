/**
 * Nothing lost, nothing twice: this reads the topics as any consumer could (committed records only), follows
 * the headers that say which record came of which, and counts. It knows nothing of how the services work.
 * It holds for records that compaction has not reached yet, that is, for a run that has just ended.
 */

import { failedRecordOf, type Log, type Names, type RecordPlace, sourceOf } from '@headwater/log';
import {
  classOfLabel,
  compositeKey,
  type Example,
  type ImageClassified,
  type LabelAssigned,
  labelProblem,
  taskProblem,
  type VectorExtracted,
} from '@headwater/schemas';
import { createFindings, type Finding, type Findings } from './findings.ts';
import { createWinningLabels, type StatedLabel, type WinningLabels } from './label-book.ts';
import { createRecordOutcomes, type Ledger } from './ledger.ts';
import { createTopicReader, type StartOffsets, type TopicReader } from './topic-reader.ts';

type Decode<T> = (bytes: Uint8Array) => T | Promise<T>;

export interface AuditDecoders {
  readonly label: Decode<LabelAssigned>;
  readonly vector: Decode<VectorExtracted>;
  readonly example: Decode<Example>;
  readonly prediction: Decode<ImageClassified>;
}

export interface AuditOptions {
  readonly log: Pick<Log, 'read' | 'admin'>;
  readonly names: Names;
  readonly decoders: AuditDecoders;
  readonly extractor: string;
  readonly tasks: readonly string[];
  readonly start: StartOffsets;
  /** Ids that HTTP has answered 202 for: each must be in `images`. */
  readonly accepted: Iterable<string>;
}

/** Counts are of this run, `examples` of the whole table (this extractor, these tasks, retracted ones left out). */
export interface AuditReport {
  readonly images: number;
  readonly vectors: number;
  readonly predictions: number;
  readonly labels: number;
  readonly examples: number;
  readonly deadLetters: number;
  /** Accepted, and neither an output nor a dead letter came of it. */
  readonly lost: number;
  /** Outputs too many for one source record. */
  readonly duplicates: number;
  /** The first of both. */
  readonly findings: readonly Finding[];
}

/** What the passes over the topics share. */
interface Books {
  readonly images: Ledger;
  /** One ledger over the vectors for each task. */
  readonly vectors: ReadonlyMap<string, Ledger>;
  readonly labels: WinningLabels;
  /** Ids that have a vector. */
  readonly extracted: Set<string>;
  readonly deadLabels: Set<string>;
}

/** Errors: log-unavailable, and what the decoders throw. */
export async function auditRun(options: AuditOptions): Promise<AuditReport> {
  const reader = createTopicReader(options.log, options.start);
  const findings = createFindings();
  const books = await openBooks(reader, options);
  await readImages(reader, options, books, findings);
  const vectors = await readVectors(reader, options, books);
  const predictions = await readPredictions(reader, options, books);
  const deadLetters = await readDeadLetters(reader, options, books);
  await readLabels(reader, options, books);
  const examples = await readExamples(options);

  closeLedger(findings, books.images, options.names.topics.images, 'vector');
  for (const [task, ledger] of books.vectors) {
    closeLedger(findings, ledger, options.names.topics.vectors(options.extractor), `prediction of ${task}`);
  }
  closeLabels(findings, options, books, examples);
  return {
    images: books.images.expected,
    vectors,
    predictions,
    labels: books.labels.size,
    examples: [...examples.values()].filter((label) => label !== null).length,
    deadLetters,
    lost: findings.lost,
    duplicates: findings.duplicates,
    findings: findings.first,
  };
}

async function openBooks(reader: TopicReader, { names, extractor, tasks }: AuditOptions): Promise<Books> {
  const vectors = await reader.ranges(names.topics.vectors(extractor));
  return {
    images: createRecordOutcomes(await reader.ranges(names.topics.images)),
    vectors: new Map(tasks.map((task) => [task, createRecordOutcomes(vectors)])),
    labels: createWinningLabels(),
    extracted: new Set(),
    deadLabels: new Set(),
  };
}

async function readImages(
  reader: TopicReader,
  { names, accepted }: AuditOptions,
  books: Books,
  findings: Findings,
): Promise<void> {
  const missing = new Set(accepted);
  await reader.each(names.topics.images, ({ key, value, partition, offset }) => {
    missing.delete(String(key));
    if (value !== null) books.images.expect(partition, offset);
  });
  for (const id of missing) findings.add({ kind: 'lost', what: 'record of an accepted image', where: id });
}

function readVectors(reader: TopicReader, options: AuditOptions, books: Books): Promise<number> {
  const { names, decoders, extractor } = options;
  return reader.each(names.topics.vectors(extractor), async (record) => {
    if (record.value === null) return;
    for (const ledger of books.vectors.values()) ledger.expect(record.partition, record.offset);
    noteOutcome(books.images, names.topics.images, sourceOf(record));
    const vector = await decoders.vector(record.value);
    books.extracted.add(vector.imageId);
    for (const label of sourceLabels(vector)) books.labels.state(label);
  });
}

function sourceLabels({ imageId, labels, receivedAt, source }: VectorExtracted): StatedLabel[] {
  // The join refuses the others, one by one.
  const valid = Object.entries(labels).filter(
    ([task, label]) => taskProblem(task) === undefined && labelProblem(label) === undefined,
  );
  return valid.map(([task, label]) => ({
    imageId,
    task,
    label,
    assignedAt: receivedAt,
    annotator: source,
    by: 'source',
  }));
}

function readPredictions(reader: TopicReader, options: AuditOptions, books: Books): Promise<number> {
  const { names, decoders, extractor } = options;
  return reader.each(names.topics.predictions, async (record) => {
    if (record.value === null) return;
    const prediction = await decoders.prediction(record.value);
    const ledger = books.vectors.get(prediction.task);
    if (ledger === undefined || prediction.extractor !== extractor) return;
    noteOutcome(ledger, names.topics.vectors(extractor), sourceOf(record));
  });
}

async function readDeadLetters(reader: TopicReader, options: AuditOptions, books: Books): Promise<number> {
  const { topics } = options.names;
  const vectors = topics.vectors(options.extractor);
  let count = 0;
  for (const topic of new Set([topics.images, topics.labels, vectors].map(topics.deadLetters))) {
    await reader.each(topic, (record) => {
      const place = failedRecordOf(record);
      // A mark that letters were retried or dropped is none itself.
      if (place === null) return;
      count++;
      if (place.topic === topics.images) books.images.deadLetter(place.partition, place.offset);
      if (place.topic === topics.labels) books.deadLabels.add(placeKey(place));
      if (place.topic !== vectors) return;
      for (const ledger of books.vectors.values()) ledger.deadLetter(place.partition, place.offset);
    });
  }
  return count;
}

function readLabels(reader: TopicReader, options: AuditOptions, books: Books): Promise<number> {
  return reader.each(options.names.topics.labels, async (record) => {
    if (record.value === null || books.deadLabels.has(placeKey(record))) return;
    books.labels.state({ ...(await options.decoders.label(record.value)), by: 'person' });
  });
}

/** The table's state by key; read from the very start, since an unchanged example need not be written again. */
async function readExamples(options: AuditOptions): Promise<Map<string, string | null>> {
  const table = new Map<string, string | null>();
  const reader = createTopicReader(options.log, new Map());
  await reader.each(options.names.topics.examples, async ({ key, value }) => {
    if (value === null) {
      table.delete(String(key));
      return;
    }
    const example = await options.decoders.example(value);
    if (example.extractor !== options.extractor || !options.tasks.includes(example.task)) return;
    table.set(String(key), example.label);
  });
  return table;
}

function closeLedger(findings: Findings, ledger: Ledger, topic: string, what: string): void {
  for (const place of ledger.lost()) {
    findings.add({ kind: 'lost', what, where: placeKey({ topic, ...place }) });
  }
  for (const place of ledger.duplicates()) {
    findings.add({ kind: 'duplicate', what, where: placeKey({ topic, ...place }) });
  }
}

/** A label whose image has a vector must be in the table, and a retracted one must not. */
function closeLabels(
  findings: Findings,
  options: AuditOptions,
  books: Books,
  examples: ReadonlyMap<string, string | null>,
): void {
  for (const winner of books.labels.winners()) {
    if (!books.extracted.has(winner.imageId) || !options.tasks.includes(winner.task)) continue;
    const state = examples.get(compositeKey(options.extractor, winner.task, winner.imageId)) ?? null;
    if (state === (winner.label === null ? null : classOfLabel(winner.label))) continue;
    findings.add({ kind: 'lost', what: `example of ${winner.task}`, where: winner.imageId });
  }
}

function noteOutcome(ledger: Ledger, topic: string, source: RecordPlace | null): void {
  if (source?.topic === topic) ledger.outcome(source.partition, source.offset);
}

function placeKey({ topic, partition, offset }: RecordPlace): string {
  return `${topic}/${partition}/${offset}`;
}
