/**
 * Finds acknowledged records without an output in the topics: images without a vector, vectors without a
 * prediction, labels without an example. Judges only records before the groups' committed offsets, so that it
 * can run beside the services.
 */
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { HeadwaterError } from '@headwater/errors';
import { tasksOf } from '../../join/state/image-state.ts';
import { HeadCatalog } from '../../model-registry/head-catalog.ts';
import { CommittedSnapshot } from './committed-snapshot.ts';
import { ExpectedTasks } from './expected-tasks.ts';
import { type Finding, type FindingCounts, Findings } from './findings.ts';
import { Judge } from './judgement.ts';
import type { AuditOptions } from './options.ts';
import { fenceOwners, requireStopped } from './owners.ts';
import { repairAll } from './repair.ts';
import type { Suspect } from './suspect.ts';
import { MissingOutputs } from './suspects.ts';
import { knownExamples } from './tables/example-table.ts';
import { imageRecords, vectorRecord } from './tables/image-records.ts';
import { AuditTables } from './tables/tables.ts';

export interface AuditReport {
  readonly extractors: readonly string[];
  /** Judged records, erasures included. */
  readonly images: number;
  readonly vectors: number;
  readonly findings: FindingCounts;
  readonly total: number;
  readonly first: readonly Finding[];
  /**
   * Images without a vector or dead letter whose dead letter may have been dropped or expired: no findings.
   */
  readonly undecided: number;
  /** Partitions without a committed offset, which were not judged. */
  readonly unjudged: readonly string[];
  /** Null without a repair. */
  readonly repaired: FindingCounts | null;
  readonly seconds: number;
}

export type AuditVerdict = 'clean' | 'repaired' | 'incomplete';

/** `incomplete`: findings remain. */
export function verdictOf({ total, repaired }: Pick<AuditReport, 'total' | 'repaired'>): AuditVerdict {
  if (total === 0) return 'clean';
  const mended = Object.values(repaired ?? {}).reduce((sum, count) => sum + count, 0);
  return mended >= total ? 'repaired' : 'incomplete';
}

const defaultSettleMs = 15_000;
const lookAgainMs = 1_000;

/**
 * Errors: request-invalid (a repair while services run, or no extractor with vectors), topic-missing, topic-mismatch, log-unavailable,
 * log-fenced (a service was started during a repair), store-unavailable, those of the extractor, and the signal's reason.
 */
export async function audit(options: AuditOptions): Promise<AuditReport> {
  const began = performance.now();
  const { clients, config, repair } = options;
  const extractors = await extractorsOf(options);
  if (repair !== undefined) {
    await requireStopped(clients, extractors);
    await fenceOwners(clients, extractors, options.signal);
  }
  const cut = await CommittedSnapshot.read(clients, extractors);
  const catalog = await HeadCatalog.read(clients);
  const asked = new ExpectedTasks({ catalog, declared: config.TASKS, extractors: config.EXTRACTORS });
  const tables = await AuditTables.load({
    ...options,
    cut,
    extractors,
    folder: join(config.DATA_DIR, 'audit'),
  });
  try {
    const judge = new Judge({ tables, cut, asked, names: clients.names, extractors });
    const suspects = new MissingOutputs(tables, extractors);
    await suspects.collect(allSuspects(tables, extractors), judge, options.signal);
    if (repair === undefined) await waitForLateOutputs(options, { tables, judge, suspects });
    const found = describe(suspects, tables, options);
    const repaired =
      repair === undefined
        ? null
        : await repairAll({ ...options, repair, extractors, catalog, tables, judge, suspects });
    return {
      extractors,
      ...tables.counts,
      ...found,
      unjudged: await cut.uncommitted(clients),
      repaired,
      seconds: Math.round(performance.now() - began) / 1000,
    };
  } finally {
    await tables.close();
  }
}

/** The members of EXTRACTORS that have a topic. */
async function extractorsOf({ clients, config }: AuditOptions): Promise<string[]> {
  const found: string[] = [];
  for (const extractor of config.EXTRACTORS) {
    const topic = clients.names.topics.vectors(extractor);
    if ((await clients.log.admin.partitions(topic)) !== undefined) found.push(extractor);
  }
  if (found.length > 0) return found;
  const message = `none of EXTRACTORS (${config.EXTRACTORS.join(', ')}) has a topic of vectors; set EXTRACTORS as for the services`;
  throw new HeadwaterError('request-invalid', message);
}

function* allSuspects(tables: AuditTables, extractors: readonly string[]): Generator<Suspect> {
  for (const image of imageRecords(tables.store)) {
    for (const extractor of extractors) yield { of: 'image', extractor, image };
  }
  for (const vector of tables.unanswered()) {
    yield { of: 'prediction', extractor: vector.extractor, vector };
  }
  for (const image of tables.join.images()) {
    const { imageId } = image;
    for (const extractor of image.vectors.keys()) {
      for (const task of tasksOf(image)) yield { of: 'example', extractor, task, imageId };
    }
  }
  for (const extractor of extractors) {
    for (const { task, imageId } of knownExamples(tables.store, extractor)) {
      const isKnown = tables.join.image(imageId).vectors.has(extractor);
      if (!isKnown) yield { of: 'example', extractor, task, imageId };
    }
  }
}

interface Found {
  readonly tables: AuditTables;
  readonly judge: Judge;
  readonly suspects: MissingOutputs;
}

async function waitForLateOutputs(
  { settleMs = defaultSettleMs, signal, progress }: AuditOptions,
  { tables, judge, suspects }: Found,
): Promise<void> {
  const deadline = Date.now() + settleMs;
  while (suspects.size > 0 && Date.now() < deadline) {
    progress?.({ stage: 'checking the findings again', done: suspects.size });
    await setTimeout(Math.min(lookAgainMs, settleMs), undefined, signal === undefined ? {} : { signal });
    await tables.refresh();
    await suspects.review(judge, signal);
  }
}

function describe(
  suspects: MissingOutputs,
  tables: AuditTables,
  options: AuditOptions,
): Pick<AuditReport, 'findings' | 'total' | 'first' | 'undecided'> {
  const findings = new Findings(options.listed);
  let undecided = 0;
  for (const { suspect, judgement } of suspects.all()) {
    if (judgement.undecided === true) undecided++;
    else findings.add(findingOf(suspect, judgement.kind, tables, options));
  }
  const { counts, total, first } = findings;
  return { findings: counts, total, first, undecided };
}

function findingOf(
  suspect: Suspect,
  kind: Finding['kind'],
  tables: AuditTables,
  { clients }: AuditOptions,
): Finding {
  const { topics } = clients.names;
  const { extractor } = suspect;
  if (suspect.of === 'image') {
    const { imageId, partition, offset } = suspect.image;
    return { kind, extractor, task: null, imageId, place: `${topics.images}/${partition}/${offset}` };
  }
  if (suspect.of === 'prediction') {
    const { imageId, task, partition, offset } = suspect.vector;
    return { kind, extractor, task, imageId, place: `${topics.vectors(extractor)}/${partition}/${offset}` };
  }
  const { imageId, task } = suspect;
  const vector = vectorRecord(tables.store, extractor, imageId);
  const place =
    vector === undefined ? '' : `${topics.vectors(extractor)}/${vector.partition}/${vector.offset}`;
  return { kind, extractor, task, imageId, place };
}
