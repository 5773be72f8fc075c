/**
 * Rebuilds the heads of a task from the topics, with as many threads as are given, and holds them against the heads that the
 * trainer published: the promise that a head is a function of the labelled set, checked from outside.
 */
import { join } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import type { Head, LabelledSet } from '@headwater/heads';
import { type HeadKind, openCodec } from '@headwater/schemas';
import type { ClassifyConfig } from '../environment.ts';
import { type ClusterClients, HeadCatalog } from '../exchange/head-catalog.ts';
import { type Solver, startSolver } from '../train/solver.ts';
import { ExampleTable, type LabelledExample } from './example-table.ts';
import { compareHead, type HeadComparison } from './head-comparison.ts';
import type { OnProgress } from './progress.ts';
import { publishRebuilt, requireStoppedTrainer } from './publishing.ts';
import { RebuiltJoin } from './rebuilt-join.ts';
import { sumExamples } from './summing.ts';
import { compareExamples, type TableComparison } from './table-comparison.ts';

export interface BackfillOptions {
  readonly clients: ClusterClients;
  readonly config: ClassifyConfig;
  readonly task: string;
  /** Undefined: that of the serving head, of the newest one, or the first of EXTRACTORS. */
  readonly extractor?: string | undefined;
  /** What examples are taken from: their topic, or the vectors and labels that they are made of. */
  readonly from: 'examples' | 'vectors';
  /** Undefined: every kind that has a settled head, else `lda`. */
  readonly kinds?: readonly HeadKind[] | undefined;
  /** Threads that sum, at least 1. */
  readonly workers: number;
  /** Publishes heads that are not there yet; only while no trainer runs. */
  readonly publish: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: OnProgress | undefined;
}

export interface BackfillReport {
  readonly task: string;
  readonly extractor: string;
  readonly from: BackfillOptions['from'];
  readonly examples: number;
  readonly classes: number;
  readonly dimensions: number;
  readonly setDigest: string;
  /** Records of the set that the trainer passes over too. */
  readonly unreadable: number;
  /** Only where examples were rebuilt from vectors and labels. */
  readonly table: TableComparison | null;
  readonly heads: readonly HeadComparison[];
  /** Kind to the version under which its head was published now. */
  readonly published: Readonly<Record<string, number>>;
  readonly workers: number;
  readonly seconds: number;
}

/** Whether all that was rebuilt is what was published, or is now. */
export function isSound(report: BackfillReport): boolean {
  const { table, heads, published } = report;
  const sameTable = table === null || table.missing + table.extra + table.different === 0;
  return (
    sameTable && heads.every(({ kind, outcome }) => outcome === 'equal' || published[kind] !== undefined)
  );
}

/**
 * Errors: request-invalid (publishing with a trainer running, or what was rebuilt from vectors), head-not-ready for a set without
 * examples, topic-missing, topic-mismatch, statistics-mismatch, log-unavailable, store-unavailable, and the signal's reason.
 */
export async function backfill(options: BackfillOptions): Promise<BackfillReport> {
  const began = performance.now();
  if (options.publish) await allowPublishing(options);
  // Before the examples are: a head cannot have learned more than they hold.
  const catalog = await HeadCatalog.read(options.clients);
  const extractor = options.extractor ?? chooseExtractor(catalog, options);
  const table = await loadTable(options, extractor);
  try {
    const source = await openSource(options, extractor, table);
    try {
      const set = await sum(options, extractor, source.examples());
      const heads = await trainAll(options, set, kindsOf(options, catalog, extractor));
      const comparisons = heads.map((head) =>
        compareHead(head, newestSettled(catalog, { ...options, extractor }, head.kind), table.lastOffset),
      );
      const published = options.publish
        ? await publishRebuilt({ ...options, extractor, watermark: table.end }, unequal(heads, comparisons))
        : {};
      return {
        task: options.task,
        extractor,
        from: options.from,
        examples: set.examples,
        classes: set.classes.size,
        dimensions: set.dimensions,
        setDigest: set.setDigest,
        unreadable: table.unreadable,
        table: source.comparison,
        heads: comparisons,
        published,
        workers: options.workers,
        seconds: Math.round(performance.now() - began) / 1000,
      };
    } finally {
      await source.close();
    }
  } finally {
    await table.close();
  }
}

async function allowPublishing({ clients, from }: BackfillOptions): Promise<void> {
  if (from !== 'examples') {
    throw new HeadwaterError(
      'request-invalid',
      'Only heads that were rebuilt from examples can be published',
    );
  }
  await requireStoppedTrainer(clients);
}

/** What the trainer would take: the extractor that serves, the newest head's, or the first of the configuration. */
export function chooseExtractor(
  catalog: HeadCatalog,
  { task, config }: Pick<BackfillOptions, 'task' | 'config'>,
): string {
  const serving = catalog.activation(task)?.extractor ?? catalog.list({ task })[0]?.extractor;
  const extractor = serving ?? config.EXTRACTORS[0];
  if (extractor !== undefined) return extractor;
  throw new HeadwaterError('request-invalid', 'No extractor is given, and EXTRACTORS names none');
}

export async function loadTable(
  options: Pick<BackfillOptions, 'clients' | 'config' | 'task' | 'signal' | 'progress'>,
  extractor: string,
): Promise<ExampleTable> {
  const { clients, config } = options;
  const topic = clients.names.topics.examples;
  return ExampleTable.load({
    ...options,
    log: clients.log,
    topic,
    codec: await openCodec(clients.schemaIds, 'Example', topic),
    extractor,
    folder: join(config.DATA_DIR, 'backfill'),
  });
}

interface Source {
  readonly comparison: TableComparison | null;
  examples(): AsyncIterable<LabelledExample>;
  close(): Promise<void>;
}

async function openSource(options: BackfillOptions, extractor: string, table: ExampleTable): Promise<Source> {
  if (options.from === 'examples') {
    return { comparison: null, examples: () => table.examples(), close: async () => undefined };
  }
  const { clients, config, task } = options;
  const rebuilt = await RebuiltJoin.load({
    ...clients,
    ...options,
    extractor,
    others: config.EXTRACTORS,
    folder: join(config.DATA_DIR, 'backfill'),
  });
  try {
    const comparison = await compareExamples(rebuilt.examples(extractor, task), table);
    return { comparison, examples: () => rebuilt.examples(extractor, task), close: () => rebuilt.close() };
  } catch (error) {
    await rebuilt.close();
    throw error;
  }
}

async function sum(
  { task, workers, signal, progress }: BackfillOptions,
  extractor: string,
  examples: AsyncIterable<LabelledExample>,
): Promise<LabelledSet> {
  const iterator = examples[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) {
    throw new HeadwaterError('head-not-ready', `Task ${task} has no labelled example of ${extractor}`);
  }
  return sumExamples(resumed(first.value, iterator), {
    set: { extractor, task, dimensions: first.value.vector.length },
    workers,
    signal,
    summed: (done) => progress?.({ stage: 'summing examples', done }),
  });
}

async function* resumed<T>(first: T, rest: AsyncIterator<T>): AsyncGenerator<T> {
  try {
    yield first;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

async function trainAll(
  { config, signal, progress }: BackfillOptions,
  set: LabelledSet,
  kinds: readonly HeadKind[],
): Promise<Head[]> {
  const solver: Solver = startSolver();
  const heads: Head[] = [];
  // The solver's threads hold no process alive, and this one may have nothing else to wait for.
  const alive = setInterval(() => undefined, 1_000);
  try {
    for (const kind of kinds) {
      signal?.throwIfAborted();
      progress?.({ stage: `training heads (${kind})`, done: heads.length, total: kinds.length });
      const solved = solver.solve(set, { kind, mode: 'settled', prior: config.PRIOR });
      heads.push(await (signal === undefined ? solved : Promise.race([solved, aborted(signal)])));
    }
    return heads;
  } finally {
    clearInterval(alive);
    await solver.close();
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function kindsOf(options: BackfillOptions, catalog: HeadCatalog, extractor: string): readonly HeadKind[] {
  if (options.kinds !== undefined && options.kinds.length > 0) return options.kinds;
  const settled = catalog.list({ task: options.task, extractor }).filter(({ mode }) => mode === 'settled');
  const kinds = [...new Set(settled.map(({ kind }) => kind))].sort();
  return kinds.length > 0 ? kinds : ['lda'];
}

function newestSettled(
  catalog: HeadCatalog,
  { task, extractor }: { readonly task: string; readonly extractor: string },
  kind: HeadKind,
) {
  const settled = catalog.list({ task, extractor, kind }).filter(({ mode }) => mode === 'settled');
  return settled.sort((a, b) => b.version - a.version)[0];
}

function unequal(heads: readonly Head[], comparisons: readonly HeadComparison[]): Head[] {
  return heads.filter((_, index) => comparisons[index]?.outcome !== 'equal');
}
