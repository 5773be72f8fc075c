/**
 * The train processor on a partition controlled by the test: without a log or threads, and with solves that
 * wait or fail on request.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFolderBlobStore } from '@headwater/blobs';
import {
  type DenseLayer,
  deserializeTrainingSet,
  type Head,
  type HeadKind,
  type LabelledVector,
  type LayersTask,
  quantize,
  type TrainingSet,
  type TrainOptions,
  trainHead,
  trainLayersHead,
} from '@headwater/heads';
import type { AssignedPartition, LogRecord, PartitionProcessor, ProcessorOutput } from '@headwater/log';
import {
  type Codec,
  compositeKey,
  createFingerprintIds,
  type Example,
  type HeadActivated,
  type HeadTrained,
  openCodec,
} from '@headwater/schemas';
import { createLogger, createMetrics } from '@headwater/service-kit';
import { HeadsTable } from '../model-registry/heads-table.ts';
import { PartitionMetrics } from '../partition-metrics.ts';
import type { TaskSettings } from '../task-settings.ts';
import type { ExampleWindow } from '../train/examples/example-window.ts';
import { OpenTrainingSets } from '../train/examples/open-training-sets.ts';
import type { RetainedTrainingSets } from '../train/examples/retained-sets.ts';
import { openTrainProcessor } from '../train/open-train-processor.ts';
import { TrainMetrics } from '../train/scoring/train-metrics.ts';
import type { Solver } from '../train/solving/solver.ts';
import { eventually, vectorOf } from './classify-fixture.ts';

const topics = { heads: 'heads', serving: 'serving' };
const logger = createLogger({ name: 'test', level: 'silent' });

export interface TrainerChoices {
  readonly prior?: 'uniform' | 'empirical';
  readonly kinds?: readonly HeadKind[];
  readonly window?: ExampleWindow;
  /** Settings of single tasks. */
  readonly own?: Readonly<Record<string, Partial<TaskSettings>>>;
  readonly retainedSets?: RetainedTrainingSets;
  /** The content of the log, for rolling forward. */
  readonly log?: readonly LogRecord[];
}

interface TrainerCodecs {
  readonly examples: Codec<Example>;
  readonly heads: Codec<HeadTrained>;
  readonly serving: Codec<HeadActivated>;
}

export class TrainerFixture {
  readonly folder = mkdtempSync(join(tmpdir(), 'headwater-train-'));
  readonly signal: AbortSignal = new AbortController().signal;
  readonly table: HeadsTable;
  readonly openTrainingSets = new OpenTrainingSets();
  /** Log fields of opened partitions. */
  readonly opened: object[] = [];
  /** End of the log of examples. */
  tail = 0n;
  /** Number of next solves that fail. */
  failures = 0;
  /** While it is a list, solves wait and add their release functions to it; an abort ends them. */
  held: (() => void)[] | undefined;
  /** Additional examples of the last solve. */
  givenMore: readonly LabelledVector[] | undefined;
  started: string[] = [];
  readonly #codecs: TrainerCodecs;
  readonly #metrics = createMetrics({ processDefaults: false });
  #session: PartitionProcessor | undefined;
  #written = 0n;
  /** How often the session woke its partition since the last offer. */
  #woken = 0;

  /** Opens a session at the start of an empty log. */
  static async open(): Promise<TrainerFixture> {
    const ids = createFingerprintIds();
    const fixture = new TrainerFixture({
      examples: await openCodec(ids, 'Example', 'examples'),
      heads: await openCodec(ids, 'HeadTrained', topics.heads),
      serving: await openCodec(ids, 'HeadActivated', topics.serving),
    });
    await fixture.openPartition(0n);
    return fixture;
  }

  private constructor(codecs: TrainerCodecs) {
    this.#codecs = codecs;
    const { heads, serving } = codecs;
    this.table = new HeadsTable({ topics, heads, serving, logger });
  }

  get session(): PartitionProcessor {
    if (this.#session === undefined) throw new Error('the partition is not open');
    return this.#session;
  }

  async close(): Promise<void> {
    await this.session.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async reopen(position: bigint, choices: TrainerChoices = {}): Promise<void> {
    await this.session.close();
    await this.openPartition(position, choices);
  }

  async openPartition(position: bigint, { log = [], ...choices }: TrainerChoices = {}): Promise<void> {
    this.#woken = 0;
    const partition: AssignedPartition = {
      index: 0,
      topics: ['examples'],
      positions: new Map([['examples', position]]),
      replay: ({ from, to }) =>
        (async function* () {
          yield log.filter(({ offset }) => offset >= from && offset < to);
        })(),
      wake: () => {
        this.#woken++;
      },
    };
    this.#session = await openTrainProcessor(this.#options(choices), partition);
  }

  #options({ prior = 'uniform', kinds = ['lda'], window, own = {}, retainedSets }: TrainerChoices) {
    return {
      group: 'train',
      folder: this.folder,
      storeMaxAgeMs: 60_000,
      partitions: 1,
      examplesTopic: 'examples',
      settingsOf: (task: string) => ({ kinds, prior, units: 16, window, ...own[task] }),
      solver: this.#solver(),
      topics,
      ...this.#codecs,
      blobs: createFolderBlobStore({ root: join(this.folder, 'blobs') }),
      table: this.table,
      extractors: ['eight.v1'],
      inlineBytes: 1_000_000,
      follower: { catchUp: async () => undefined, onHeads: () => () => undefined },
      trainMetrics: new TrainMetrics(this.#metrics),
      partitionMetrics: new PartitionMetrics('train', ['examples'], this.#metrics, logger),
      ...(retainedSets === undefined ? {} : { retainedSets }),
      openTrainingSets: this.openTrainingSets,
      logger: { ...logger, info: (fields: object) => this.opened.push(fields) } as typeof logger,
      earliest: async () => 0n,
      end: async () => this.tail,
    };
  }

  #solver(): Solver {
    return {
      isFree: () => true,
      start: (...asked) => this.#solve(...asked),
      onFree: () => () => undefined,
      close: async () => undefined,
    };
  }

  async #solve(
    set: TrainingSet,
    options: TrainOptions,
    urgency: string,
    aborted: AbortSignal,
    more?: Promise<readonly LabelledVector[]>,
  ): Promise<Head> {
    const copy = deserializeTrainingSet(set.serialize());
    this.started.push(`${options.kind} ${options.mode} ${urgency}`);
    const given = more && (await more);
    this.givenMore = given;
    if (this.failures-- > 0) throw new Error('cannot be solved');
    const { held } = this;
    if (held !== undefined) {
      await new Promise<void>((resolve, reject) => {
        held.push(resolve);
        aborted.addEventListener('abort', () => reject(new Error('aborted')));
      });
    }
    return options.kind === 'mlp'
      ? trainLayersHead(copy, options, zeroLayers, given)
      : trainHead(copy, options, given);
  }

  /** Releases all held solves, and holds none from now on. */
  release(): void {
    for (const release of this.held ?? []) release();
    this.held = undefined;
  }

  /** Resolves when a solved head waits to be published. */
  async solved(): Promise<void> {
    await eventually(async () => this.#woken > 0);
    this.#woken = 0;
  }

  /** Waits for all background work, and commits its results. */
  async offered(): Promise<HeadTrained[]> {
    await this.solved();
    const output = await this.offer();
    const offers = await this.headsOf(output);
    await this.commit(output);
    return offers;
  }

  async offer(): Promise<ProcessorOutput | null> {
    return (await this.session.offer?.(this.signal)) ?? null;
  }

  async idle(): Promise<ProcessorOutput | null> {
    return (await this.session.idle?.(this.signal)) ?? null;
  }

  process(records: readonly LogRecord[]): Promise<ProcessorOutput> {
    return this.session.process(records, this.signal);
  }

  /** Learns a batch; resolves to the head that has learned it. */
  async learn(records: readonly LogRecord[]): Promise<HeadTrained | undefined> {
    await this.commit(await this.process(records));
    return (await this.offered()).at(-1);
  }

  /** Labels pause. */
  async settle(): Promise<HeadTrained | undefined> {
    await this.commit(await this.idle());
    return (await this.offered()).at(-1);
  }

  /** The next record of the log of examples. */
  example(image: number, label: string | null, task = 'digit'): LogRecord {
    const imageId = `i${image}`;
    const value = this.#codecs.examples.encode({
      extractor: 'eight.v1',
      task,
      imageId,
      label,
      assignedAt: 1,
      annotator: '',
      group: null,
      vector: numbersOf(image),
    });
    const key = Buffer.from(compositeKey('eight.v1', task, imageId));
    return recordOf('examples', this.tail++, key, value);
  }

  batch(from: number, to: number, task?: string): LogRecord[] {
    return Array.from({ length: to - from }, (_, index) =>
      this.example(from + index, `c${(from + index) % 3}`, task),
    );
  }

  /** As the log does: the outputs reach the heads table before the session is notified. */
  async commit(output: ProcessorOutput | null): Promise<void> {
    if (output === null) return;
    const records = output.records.map(({ topic, key, value }) =>
      recordOf(topic, this.#written++, Buffer.from(key ?? ''), value),
    );
    await this.table.apply(records);
    await output.committed?.(new Map([['examples', this.tail]]));
  }

  async pin(version: number): Promise<void> {
    const line = { task: 'digit', extractor: 'eight.v1', kind: 'lda' } as const;
    const value = this.#codecs.serving.encode({ ...line, version, reason: 'pinned', activatedAt: 1 });
    await this.table.apply([recordOf(topics.serving, this.#written++, Buffer.from('digit'), value)]);
  }

  headsOf(output: ProcessorOutput | null): Promise<HeadTrained[]> {
    const values = (output?.records ?? []).flatMap(({ topic, value }) =>
      topic === topics.heads && value !== null ? [value] : [],
    );
    return Promise.all(values.map((value) => this.#codecs.heads.decode(value)));
  }
}

/** The vector of an image, of one of three classes. */
export function numbersOf(image: number): Int16Array {
  return quantize(Float32Array.from(vectorOf(image % 3, image)));
}

function recordOf(topic: string, offset: bigint, key: Buffer, value: Buffer | null): LogRecord {
  return { topic, partition: 0, offset, timestamp: 0, key, value, headers: {} };
}

async function zeroLayers({ dimensions, classes }: LayersTask): Promise<DenseLayer[]> {
  const weights = new Float32Array(dimensions * classes);
  return [{ inputs: dimensions, weights, biases: new Float32Array(classes) }];
}
