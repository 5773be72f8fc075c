/** Tasks and heads as the API shows them, from the table of heads and the metrics of join and train. */
import { HeadwaterError } from '@headwater/errors';
import type { JoinCounts, NoveltySummary, ServedSummary } from '../join/monitoring/join-metrics.ts';
import type { Coverage } from '../join/monitoring/join-reader.ts';
import type { HeadsTable, KnownHead } from '../model-registry/heads-table.ts';
import type { ServingHeads } from '../model-registry/serving-heads.ts';
import type { SeriesView } from '../train/scoring/train-metrics.ts';

export interface HeadView extends Omit<KnownHead, 'partition' | 'offset' | 'blob'> {
  readonly serving: boolean;
  /** Activated by a request: later heads do not replace it. */
  readonly pinned: boolean;
}

export interface TaskView {
  readonly task: string;
  /** The head that serves in this process; measurements of single classes are in `prequential` only. */
  readonly head: HeadView | null;
  /** The newest head of the serving series, perhaps not opened yet; null where no head is to serve. */
  readonly newest: HeadView | null;
  readonly served: ServedSummary;
  readonly prequential: Readonly<Record<string, number>>;
}

/** A head in a list of tasks: without classes and measurements, to keep the list small. */
interface HeadSummary extends Omit<HeadView, 'classes' | 'measurements'> {
  readonly classCount: number;
}

/** `prequential` has no measurements of single classes. */
export interface TaskSummary extends Omit<TaskView, 'head' | 'newest'> {
  readonly head: HeadSummary | null;
  readonly newest: HeadSummary | null;
}

/** What is known of the join: in this process, or merged from several. */
export interface JoinView {
  tasks(): Iterable<string>;
  served(task: string): ServedSummary;
  novelty(task: string): NoveltySummary;
  counts(): JoinCounts;
}

/** What is known of the trainers: in this process, or merged from several. */
export interface TrainView {
  /** Empty where the trainer of the task is not known. */
  prequential(extractor: string, task: string, kind: string): Readonly<Record<string, number>>;
  seriesOf(task: string): readonly SeriesView[];
}

/** The parts of the views that are known by partition. */
export interface PartitionViews {
  readonly joinMetrics: JoinView;
  readonly trainMetrics: TrainView;
  /** The partitions of the join that `joinMetrics` covers. */
  coverage(): Coverage;
  /** Whether `trainMetrics` covers the trainer of the task. */
  trainsHere(task: string): boolean;
}

export interface TaskViewsOptions extends PartitionViews {
  readonly table: HeadsTable;
  readonly serving: ServingHeads;
  readonly declaredTasks: readonly string[];
}

export class TaskViews {
  readonly #options: TaskViewsOptions;

  constructor(options: TaskViewsOptions) {
    this.#options = options;
  }

  /** The same tasks and heads with the parts of other processes. */
  with(parts: PartitionViews): TaskViews {
    return new TaskViews({ ...this.#options, ...parts });
  }

  tasks(): string[] {
    const { declaredTasks, table, joinMetrics } = this.#options;
    return [...new Set([...declaredTasks, ...table.tasks(), ...joinMetrics.tasks()])].sort();
  }

  /** Of all tasks. */
  summaries(): TaskSummary[] {
    return this.tasks().map((task) => {
      const { head, newest, served, prequential } = this.task(task);
      return {
        task,
        head: head && summaryOf(head),
        newest: newest && summaryOf(newest),
        served,
        prequential: withoutClasses(prequential),
      };
    });
  }

  /** Errors: not-found. */
  task(task: string): TaskView {
    this.#requireTask(task);
    const { table, joinMetrics } = this.#options;
    const heads = this.heads(task);
    const head = heads.find(({ serving }) => serving) ?? null;
    const series = head ?? table.activation(task);
    const newest =
      heads.find((one) => one.extractor === series?.extractor && one.kind === series.kind) ?? null;
    return {
      task,
      head: head && plain(head),
      newest: newest && plain(newest),
      served: joinMetrics.served(task),
      prequential: this.#prequential(newest),
    };
  }

  /** Newest first. Errors: not-found. */
  heads(task: string): HeadView[] {
    this.#requireTask(task);
    const serving = this.#options.serving.get(task);
    const activation = this.#options.table.activation(task);
    return this.#options.table.headsOf(task).map(({ partition: _, offset: __, blob: ___, ...head }) => {
      const isServing =
        serving?.extractor === head.extractor &&
        serving.kind === head.kind &&
        serving.version === head.version;
      const measurements = finite(head.measurements);
      return {
        ...head,
        measurements,
        serving: isServing,
        pinned: isServing && activation?.reason === 'pinned',
      };
    });
  }

  /** Whether this process serves the newest activation that it has read. */
  isUpToDate(task: string): boolean {
    const { serving, table } = this.#options;
    const [head, wanted] = [serving.get(task), table.activation(task)];
    if (head === undefined || wanted === undefined) return head === wanted;
    const { extractor, kind, version } = wanted;
    return head.extractor === extractor && head.kind === kind && head.version === version;
  }

  /** Whether the newest activation that this process has read names a head. */
  isActive(task: string): boolean {
    return this.#options.table.activation(task) !== undefined;
  }

  /** Errors: not-found, head-not-ready. */
  servingHead(task: string): HeadView {
    const head = this.heads(task).find(({ serving }) => serving);
    if (head !== undefined) return head;
    throw new HeadwaterError('head-not-ready', 'the task has no head yet; label some images');
  }

  /** Errors: not-found. */
  measurements(task: string): object {
    const { served, prequential } = this.task(task);
    const heads = this.heads(task).map((head) => ({
      extractor: head.extractor,
      kind: head.kind,
      version: head.version,
      mode: head.mode,
      examples: head.examples,
      trainedAt: head.trainedAt,
      measurements: head.measurements,
    }));
    const { joinMetrics, trainMetrics, trainsHere } = this.#options;
    const [novelty, series] = [joinMetrics.novelty(task), trainMetrics.seriesOf(task)];
    return { task, served, prequential, novelty, trainedHere: trainsHere(task), series, heads };
  }

  counts(): JoinCounts & Coverage {
    return { ...this.#options.joinMetrics.counts(), ...this.#options.coverage() };
  }

  /** Current figures where this process trains the task, else those of the newest head. */
  #prequential(newest: HeadView | null): Readonly<Record<string, number>> {
    if (newest === null) return {};
    const live = this.#options.trainMetrics.prequential(newest.extractor, newest.task, newest.kind);
    if (Object.keys(live).length > 0) return live;
    const ofHead = Object.entries(newest.measurements).filter(([name]) => name.startsWith('prequential'));
    return Object.fromEntries(ofHead);
  }

  #requireTask(task: string): void {
    if (!this.tasks().includes(task)) throw new HeadwaterError('not-found', 'there is no such task');
  }
}

/** JSON cannot represent other numbers. */
function finite(measurements: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(measurements).filter(([, value]) => Number.isFinite(value)));
}

function summaryOf({ classes, measurements: _, ...head }: HeadView): HeadSummary {
  return { ...head, classCount: classes.length };
}

function plain(head: HeadView): HeadView {
  return { ...head, measurements: withoutClasses(head.measurements) };
}

/** Omits `prequentialRecall/<class>` and similar measurements, of which there may be 150. */
function withoutClasses(measurements: Readonly<Record<string, number>>): Record<string, number> {
  const isOfClass = (name: string) => name.startsWith('prequential') && name.includes('/');
  return Object.fromEntries(Object.entries(measurements).filter(([name]) => !isOfClass(name)));
}
