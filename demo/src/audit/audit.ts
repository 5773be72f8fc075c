/**
 * Counts lost and duplicate records of a run. It reads the committed records of the topics, and finds the source
 * record of each by its headers. It shares no code with the services. It is valid before compaction, that is,
 * right after a run.
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
import { createRecordOutcomes, type RecordOutcomes } from './record-outcomes.ts';
import { createTopicReader, type StartOffsets, type TopicReader } from './topic-reader.ts';
import { createWinningLabels, type StatedLabel, type WinningLabels } from './winning-labels.ts';

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
  /** Ids that HTTP returned 202 for: each must be in `images`. */
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
  /** Accepted records with neither an output nor a dead letter. */
  readonly lost: number;
  /** Surplus outputs of one source record. */
  readonly duplicates: number;
  /** The first findings of both kinds. */
  readonly findings: readonly Finding[];
}

/** State of the audit, over all topics. */
interface OutcomeTables {
  readonly images: RecordOutcomes;
  /** Outcomes of the vectors, for each task. */
  readonly vectors: ReadonlyMap<string, RecordOutcomes>;
  readonly labels: WinningLabels;
  /** Ids that have a vector. */
  readonly extracted: Set<string>;
  readonly deadLabels: Set<string>;
}

/** Errors: log-unavailable, and those of the decoders. */
export async function auditRun(options: AuditOptions): Promise<AuditReport> {
  const reader = createTopicReader(options.log, options.start);
  const findings = createFindings();
  const tables = await openTables(reader, options);
  await readImages(reader, options, tables, findings);
  const vectors = await readVectors(reader, options, tables);
  const predictions = await readPredictions(reader, options, tables);
  const deadLetters = await readDeadLetters(reader, options, tables);
  await readLabels(reader, options, tables);
  const examples = await readExamples(options);

  addOutcomes(findings, tables.images, options.names.topics.images, 'vector');
  for (const [task, outcomes] of tables.vectors) {
    addOutcomes(findings, outcomes, options.names.topics.vectors(options.extractor), `prediction of ${task}`);
  }
  checkLabels(findings, options, tables, examples);
  return {
    images: tables.images.expected,
    vectors,
    predictions,
    labels: tables.labels.size,
    examples: [...examples.values()].filter((label) => label !== null).length,
    deadLetters,
    lost: findings.lost,
    duplicates: findings.duplicates,
    findings: findings.first,
  };
}

async function openTables(
  reader: TopicReader,
  { names, extractor, tasks }: AuditOptions,
): Promise<OutcomeTables> {
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
  tables: OutcomeTables,
  findings: Findings,
): Promise<void> {
  const missing = new Set(accepted);
  await reader.each(names.topics.images, ({ key, value, partition, offset }) => {
    missing.delete(String(key));
    if (value !== null) tables.images.expect(partition, offset);
  });
  for (const id of missing) findings.add({ kind: 'lost', what: 'record of an accepted image', where: id });
}

function readVectors(reader: TopicReader, options: AuditOptions, tables: OutcomeTables): Promise<number> {
  const { names, decoders, extractor } = options;
  return reader.each(names.topics.vectors(extractor), async (record) => {
    if (record.value === null) return;
    for (const outcomes of tables.vectors.values()) outcomes.expect(record.partition, record.offset);
    noteOutcome(tables.images, names.topics.images, sourceOf(record));
    const vector = await decoders.vector(record.value);
    tables.extracted.add(vector.imageId);
    for (const label of sourceLabels(vector)) tables.labels.add(label);
  });
}

function sourceLabels({ imageId, labels, receivedAt, source }: VectorExtracted): StatedLabel[] {
  // The join makes each of the others a dead letter.
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

function readPredictions(reader: TopicReader, options: AuditOptions, tables: OutcomeTables): Promise<number> {
  const { names, decoders, extractor } = options;
  return reader.each(names.topics.predictions, async (record) => {
    if (record.value === null) return;
    const prediction = await decoders.prediction(record.value);
    const outcomes = tables.vectors.get(prediction.task);
    if (outcomes === undefined || prediction.extractor !== extractor) return;
    noteOutcome(outcomes, names.topics.vectors(extractor), sourceOf(record));
  });
}

async function readDeadLetters(
  reader: TopicReader,
  options: AuditOptions,
  tables: OutcomeTables,
): Promise<number> {
  const { topics } = options.names;
  const vectors = topics.vectors(options.extractor);
  let count = 0;
  for (const topic of new Set([topics.images, topics.labels, vectors].map(topics.deadLetters))) {
    await reader.each(topic, (record) => {
      const place = failedRecordOf(record);
      // A resolution record (retried or dropped) is no dead letter itself.
      if (place === null) return;
      count++;
      if (place.topic === topics.images) tables.images.deadLetter(place.partition, place.offset);
      if (place.topic === topics.labels) tables.deadLabels.add(placeKey(place));
      if (place.topic !== vectors) return;
      for (const outcomes of tables.vectors.values()) outcomes.deadLetter(place.partition, place.offset);
    });
  }
  return count;
}

function readLabels(reader: TopicReader, options: AuditOptions, tables: OutcomeTables): Promise<number> {
  return reader.each(options.names.topics.labels, async (record) => {
    if (record.value === null || tables.deadLabels.has(placeKey(record))) return;
    tables.labels.add({ ...(await options.decoders.label(record.value)), by: 'person' });
  });
}

/** Examples by key, read from the start of the topic, since an unchanged example need not be written again. */
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

function addOutcomes(findings: Findings, outcomes: RecordOutcomes, topic: string, what: string): void {
  for (const place of outcomes.lost()) {
    findings.add({ kind: 'lost', what, where: placeKey({ topic, ...place }) });
  }
  for (const place of outcomes.duplicates()) {
    findings.add({ kind: 'duplicate', what, where: placeKey({ topic, ...place }) });
  }
}

/** A label whose image has a vector must be in the table, and a retracted one must not. */
function checkLabels(
  findings: Findings,
  options: AuditOptions,
  tables: OutcomeTables,
  examples: ReadonlyMap<string, string | null>,
): void {
  for (const winner of tables.labels.winners()) {
    if (!tables.extracted.has(winner.imageId) || !options.tasks.includes(winner.task)) continue;
    const state = examples.get(compositeKey(options.extractor, winner.task, winner.imageId)) ?? null;
    if (state === (winner.label === null ? null : classOfLabel(winner.label))) continue;
    findings.add({ kind: 'lost', what: `example of ${winner.task}`, where: winner.imageId });
  }
}

function noteOutcome(outcomes: RecordOutcomes, topic: string, source: RecordPlace | null): void {
  if (source?.topic === topic) outcomes.outcome(source.partition, source.offset);
}

function placeKey({ topic, partition, offset }: RecordPlace): string {
  return `${topic}/${partition}/${offset}`;
}
