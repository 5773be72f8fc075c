/**
 * Rebuilds the heads of a task from the topics with several threads, and compares them with the published
 * ones: an external check that a head is a function of its training set.
 */
import { join } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import { type Head, type LabelledVector, maximumLearnedExamples, type TrainingSet } from '@headwater/heads';
import type { HeadKind } from '@headwater/schemas';
import { HeadCatalog } from '../../model-registry/head-catalog.ts';
import { openTaskSettings, type TaskSettings } from '../../task-settings.ts';
import { needsAdditionalExamples } from '../../train/examples/additional-examples.ts';
import { type Solver, startSolver } from '../../train/solving/solver.ts';
import { setOptionsOf, withinLimit } from '../../train/training-set-settings.ts';
import type { ExampleTable, LabelledExample } from './example-table.ts';
import { bottomKExamples } from './first-examples.ts';
import { compareHead, type HeadComparison } from './head-comparison.ts';
import { publishRebuilt, requireStoppedTrainer } from './publishing.ts';
import {
  chooseExtractor,
  loadTable,
  noExamples,
  openSource,
  type SetOptions,
  type Source,
} from './sources.ts';
import { sumExamples } from './summing/parallel-sum.ts';
import type { TableComparison } from './table-comparison.ts';
import { findWindowStart, insideWindow } from './window.ts';

export interface BackfillOptions extends SetOptions {
  /** Undefined: that of the serving head, of the newest one, or the first of EXTRACTORS. */
  readonly extractor?: string | undefined;
  /** Source of the examples: their topic, or vectors and labels. */
  readonly from: 'examples' | 'vectors';
  /**
   * Undefined: every kind except `mlp` that has a settled head and is configured, or serves; without one, all
   * kinds with a settled head, else `lda`.
   */
  readonly kinds?: readonly HeadKind[] | undefined;
  /** Number of summing threads, at least 1. */
  readonly workers: number;
  /** Publishes missing heads; only while no trainer runs. */
  readonly publish: boolean;
}

export interface BackfillReport {
  readonly task: string;
  readonly extractor: string;
  readonly from: BackfillOptions['from'];
  /** Number of examples in the training set, within the window if any. */
  readonly examples: number;
  readonly classes: number;
  readonly dimensions: number;
  readonly setDigest: string;
  /** Records of the set that the trainer skips too. */
  readonly unreadable: number;
  /** Only for examples rebuilt from vectors and labels. */
  readonly table: TableComparison | null;
  readonly heads: readonly HeadComparison[];
  /** Kinds with a settled head that were neither requested nor are configured; and `mlp`. */
  readonly passedOver: readonly HeadKind[];
  /** The serving kind; null for none. */
  readonly serving: HeadKind | null;
  /** Kinds were requested, so the serving one may be missing on purpose. */
  readonly kindsNamed: boolean;
  /** Newly published version by kind. */
  readonly published: Readonly<Record<string, number>>;
  readonly workers: number;
  readonly seconds: number;
}

/**
 * `sound`: all rebuilt heads equal the published ones, or are published now. `incomparable`: nothing differs,
 * but some heads have other arithmetic, so that only their sets were compared, or the serving kind was
 * skipped without a request for kinds. Else `unsound`.
 */
export type BackfillVerdict = 'sound' | 'incomparable' | 'unsound';

export function verdictOf(report: BackfillReport): BackfillVerdict {
  const { table, heads, published, serving, kindsNamed } = report;
  const sameTable = table === null || table.missing + table.extra + table.different === 0;
  const open = heads.filter(({ kind, outcome }) => outcome !== 'equal' && published[kind] === undefined);
  const isServingSeen = kindsNamed || serving === null || heads.some(({ kind }) => kind === serving);
  if (sameTable && open.length === 0 && isServingSeen) return 'sound';
  return sameTable && open.every(({ outcome }) => outcome === 'other-arithmetic')
    ? 'incomparable'
    : 'unsound';
}

/**
 * Errors: request-invalid (publishing with a running trainer, or heads rebuilt from vectors), not-found for a
 * missing task, head-not-ready for an empty set, config-invalid (TASK_SETTINGS), topic-missing,
 * topic-mismatch, statistics-mismatch, log-unavailable, store-unavailable, and the signal's reason.
 */
export async function backfill(options: BackfillOptions): Promise<BackfillReport> {
  const began = performance.now();
  const settings = (await openTaskSettings(options.config))(options.task);
  if (options.publish) await allowPublishing(options);
  // Before the examples are read: so no head has learned more of them.
  const catalog = await HeadCatalog.read(options.clients);
  const extractor = options.extractor ?? chooseExtractor(catalog, options);
  const table = await loadTable(options, extractor);
  try {
    const source = await openSource(options, extractor, table);
    try {
      const report = await rebuild({ options, settings, extractor, catalog, table, source });
      return { ...report, seconds: Math.round(performance.now() - began) / 1000 };
    } finally {
      await source.close();
    }
  } finally {
    await table.close();
  }
}

interface Rebuild {
  readonly options: BackfillOptions;
  readonly settings: TaskSettings;
  readonly extractor: string;
  readonly catalog: HeadCatalog;
  readonly table: ExampleTable;
  readonly source: Source;
}

async function rebuild(run: Rebuild): Promise<Omit<BackfillReport, 'seconds'>> {
  const { options, settings, extractor, catalog, table, source } = run;
  const { task, from, workers } = options;
  const start = await findWindowStart(withinLimit(source.examples(), settings), {
    window: settings.window,
    folder: join(options.config.DATA_DIR, 'backfill'),
  });
  const examples = () => insideWindow(withinLimit(source.examples(), settings), start);
  const set = await sum(run, examples());
  const { kinds, passedOver } = kindsOf(run);
  const heads = await trainAll(run, set, kinds, () =>
    bottomKExamples(examples(), maximumLearnedExamples(set.dimensions)),
  );
  const line = { task, extractor };
  const comparisons = heads.map((head) =>
    compareHead(head, newestSettled(catalog, line, head.kind), table.lastOffset),
  );
  return {
    ...line,
    from,
    examples: set.examples,
    classes: set.classes.size,
    dimensions: set.dimensions,
    setDigest: set.setDigest,
    unreadable: table.unreadable,
    table: source.comparison,
    heads: comparisons,
    passedOver,
    serving: servingKind(catalog, task, extractor),
    kindsNamed: (options.kinds?.length ?? 0) > 0,
    published: options.publish ? await publishUnequal(run, heads, comparisons) : {},
    workers,
  };
}

function publishUnequal(
  { options, extractor, table }: Rebuild,
  heads: readonly Head[],
  comparisons: readonly HeadComparison[],
): Promise<Record<string, number>> {
  const unequal = heads.filter((_, index) => comparisons[index]?.outcome !== 'equal');
  return publishRebuilt({ ...options, extractor, watermark: table.end }, unequal);
}

async function allowPublishing({ clients, from }: BackfillOptions): Promise<void> {
  if (from !== 'examples') {
    throw new HeadwaterError(
      'request-invalid',
      'only heads rebuilt from examples can be published; omit --from vectors',
    );
  }
  await requireStoppedTrainer(clients);
}

async function sum(
  { options: { task, workers, signal, progress }, settings, extractor, catalog }: Rebuild,
  examples: AsyncIterable<LabelledExample>,
): Promise<TrainingSet> {
  const iterator = examples[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) throw noExamples(catalog, task, extractor);
  return sumExamples(resumed(first.value, iterator), {
    set: setOptionsOf({ extractor, task, dimensions: first.value.vector.length }, settings),
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
  { options: { signal, progress }, settings: { prior, units } }: Rebuild,
  set: TrainingSet,
  kinds: readonly HeadKind[],
  readFirst: () => Promise<readonly LabelledVector[]>,
): Promise<Head[]> {
  const solver: Solver = startSolver();
  const heads: Head[] = [];
  // The solver's threads do not keep the process alive.
  const alive = setInterval(() => undefined, 1_000);
  try {
    for (const kind of kinds) {
      signal?.throwIfAborted();
      progress?.({ stage: `training heads (${kind})`, done: heads.length, total: kinds.length });
      const more = needsAdditionalExamples(kind, 'settled') ? readFirst() : undefined;
      const choices = { kind, mode: 'settled', prior, units } as const;
      const solved = solver.start(set, choices, 'later', signal ?? new AbortController().signal, more);
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

function kindsOf({ options, settings, catalog, extractor }: Rebuild) {
  const settled = catalog.list({ task: options.task, extractor }).filter(({ mode }) => mode === 'settled');
  const found = [...new Set(settled.map(({ kind }) => kind))].sort();
  // Layers are reproducible on one machine only.
  const exact = found.filter((kind) => kind !== 'mlp');
  // A kind removed from HEADS no longer learns, so its last head may differ; but the serving kind always
  // matters.
  const serves = servingKind(catalog, options.task, extractor);
  const learned = exact.filter((kind) => settings.kinds.includes(kind));
  const chosen = [learned, exact].find(({ length }) => length > 0) ?? [];
  const comparable = serves === null || serves === 'mlp' ? [] : [serves];
  const wanted = [...new Set([...chosen, ...comparable])].sort();
  const usual = wanted.length > 0 ? wanted : ['lda' as const];
  const kinds: readonly HeadKind[] = options.kinds?.length ? options.kinds : usual;
  return { kinds, passedOver: found.filter((kind) => !kinds.includes(kind)) };
}

function servingKind(catalog: HeadCatalog, task: string, extractor: string): HeadKind | null {
  const serving = catalog.activation(task);
  return serving?.extractor === extractor ? serving.kind : null;
}

function newestSettled(
  catalog: HeadCatalog,
  { task, extractor }: { readonly task: string; readonly extractor: string },
  kind: HeadKind,
) {
  const settled = catalog.list({ task, extractor, kind }).filter(({ mode }) => mode === 'settled');
  return settled.sort((a, b) => b.version - a.version)[0];
}
