/**
 * The examples of one training set at an offset: the newest record of each key, checked by the rules of the
 * trainer. On disk, so that memory does not grow with the set.
 */
import { createHash } from 'node:crypto';
import { asDeadLetter, HeadwaterError } from '@headwater/errors';
import type { LabelledVector } from '@headwater/heads';
import { type Log, type LogRecord, partitionFor } from '@headwater/log';
import { type Codec, classOfLabel, compositeKey, type Example, parseCompositeKey } from '@headwater/schemas';
import { Draft } from '../../store/state.ts';
import type { OnProgress } from '../progress.ts';
import { openTemporaryStore, type TemporaryStore } from '../temporary-store.ts';

/** An example with a label. */
export interface LabelledExample extends Example, LabelledVector {
  readonly label: string;
}

export interface ExampleTableOptions {
  readonly log: Pick<Log, 'admin' | 'read'>;
  readonly topic: string;
  readonly codec: Codec<Example>;
  readonly extractor: string;
  readonly task: string;
  /** A folder inside it holds the open table. */
  readonly folder: string;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: OnProgress | undefined;
}

/** Bound on the entries of a quantised unit vector. */
const largestEntry = 8192;

export class ExampleTable {
  readonly #options: ExampleTableOptions;
  readonly #temporary: TemporaryStore;
  #size = 0;
  #dimensions = 0;
  #unreadable = 0;
  #lastOffset = -1n;
  #end = 0n;

  /**
   * Reads to the present end of the task's partition. Errors: topic-missing, log-unavailable,
   * store-unavailable, the signal's reason.
   */
  static async load(options: ExampleTableOptions): Promise<ExampleTable> {
    const table = new ExampleTable(options, await openTemporaryStore(options.folder));
    try {
      await table.#load();
      return table;
    } catch (error) {
      await table.close();
      throw error;
    }
  }

  private constructor(options: ExampleTableOptions, temporary: TemporaryStore) {
    this.#options = options;
    this.#temporary = temporary;
  }

  /** Examples with a label. */
  get size(): number {
    return this.#size;
  }

  /** Of every vector; 0 for an empty table. */
  get dimensions(): number {
    return this.#dimensions;
  }

  /** Number of records that the trainer skips too. */
  get unreadable(): number {
    return this.#unreadable;
  }

  /** Offset of the newest record of this set, readable or not; −1 without one. */
  get lastOffset(): bigint {
    return this.#lastOffset;
  }

  /** The offset after the last read one. */
  get end(): bigint {
    return this.#end;
  }

  async get(imageId: string): Promise<LabelledExample | undefined> {
    const bytes = this.#temporary.store.get(keyOf(imageId));
    return bytes === undefined ? undefined : this.#decode(bytes);
  }

  /** In an order that depends on the image ids only. */
  async *examples(): AsyncGenerator<LabelledExample> {
    for (const { value } of this.#temporary.store.range(prefix)) {
      this.#options.signal?.throwIfAborted();
      yield await this.#decode(value);
    }
  }

  async close(): Promise<void> {
    await this.#temporary.discard();
  }

  async #decode(bytes: Buffer): Promise<LabelledExample> {
    const example = (await this.#options.codec.decode(bytes)) as LabelledExample;
    return { ...example, label: classOfLabel(example.label) };
  }

  async #load(): Promise<void> {
    const { log, topic, task, signal, progress } = this.#options;
    const partitions = await log.admin.partitions(topic);
    if (partitions === undefined) throw new HeadwaterError('topic-missing', `topic ${topic} does not exist`);
    const partition = partitionFor(task, partitions);
    const { low, high } = (await log.admin.offsets(topic))[partition] ?? { low: 0n, high: 0n };
    const total = Number(high - low);
    this.#end = high;
    if (low >= high) return;
    for await (const records of log.read({ topic, partition, to: high })) {
      signal?.throwIfAborted();
      await this.#take(records);
      const done = Number((records.at(-1)?.offset ?? low) + 1n - low);
      progress?.({ stage: 'reading examples', done, total });
    }
  }

  async #take(records: readonly LogRecord[]): Promise<void> {
    const { store } = this.#temporary;
    const draft = new Draft(store);
    for (const record of records) await this.#takeOne(record, draft);
    await store.write(draft.changes, new Map());
  }

  async #takeOne(record: LogRecord, draft: Draft): Promise<void> {
    const key = record.key?.toString('utf8') ?? '';
    const { extractor, task } = this.#options;
    if (!key.startsWith(`${compositeKey(extractor, task)}/`)) return;
    this.#lastOffset = record.offset;
    try {
      await this.#put(record, key, draft);
    } catch (error) {
      asDeadLetter(error);
      this.#unreadable++;
    }
  }

  async #put(record: LogRecord, key: string, draft: Draft): Promise<void> {
    const imageId = imageIdOf(key);
    const example = record.value === null ? null : await this.#options.codec.decode(record.value);
    if (example !== null && compositeKey(example.extractor, example.task, example.imageId) !== key) {
      throw new HeadwaterError('record-invalid', 'the key does not match the example');
    }
    const at = keyOf(imageId);
    const before = draft.get(at) === undefined ? 0 : 1;
    const labelled = example !== null && example.label !== null;
    if (labelled) this.#checkVector(example.vector);
    draft.put(at, labelled ? record.value : null);
    this.#size += Number(labelled) - before;
  }

  /** The first example of a set determines the dimensions. */
  #checkVector(vector: Int16Array): void {
    if (this.#size === 0) this.#dimensions = vector.length;
    if (vector.length !== this.#dimensions) {
      throw new HeadwaterError(
        'vector-wrong-dimensions',
        'the vector has other dimensions than its training set',
      );
    }
    if (vector.some((entry) => Math.abs(entry) > largestEntry)) {
      throw new HeadwaterError('record-invalid', 'the vector is not a quantised unit vector');
    }
  }
}

const prefix = 'example/';

/** A digest, since ids may be longer than keys. */
function keyOf(imageId: string): string {
  return `${prefix}${createHash('sha256').update(imageId, 'utf8').digest('hex')}`;
}

function imageIdOf(key: string): string {
  const [, , imageId, ...rest] = parseCompositeKey(key);
  if (imageId === undefined || imageId === '' || rest.length > 0) {
    throw new HeadwaterError('record-invalid', 'the key is not extractor/task/image id');
  }
  return imageId;
}
