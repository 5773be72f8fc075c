/**
 * Which step has been done, in a topic of its own: whatever ends the command, the next one goes on behind the last step. Records that are
 * copied and the mark that says so are one transaction, under an id that only one command can hold at a time.
 */
import type { ExampleSet } from '@headwater/classify/rebuild';
import { HeadwaterError } from '@headwater/errors';
import type { Log, LogTransactions, OutgoingRecord } from '@headwater/log';
import type { PlannedTopic } from './plan.ts';

export interface Plan {
  readonly version: 1;
  readonly run: string;
  readonly partitions: number;
  readonly topics: readonly PlannedTopic[];
  /** Before anything was moved. */
  readonly sets: readonly ExampleSet[];
}

/** How far a copy has come. Offsets are decimal, by partition. */
export interface CopyProgress {
  readonly lows: readonly string[];
  readonly next: readonly string[];
  /** Of the source: what lies before was processed by the topic's groups. */
  readonly processed: readonly string[];
  /** Of the target, once all that was processed is copied. */
  readonly processedInTarget?: readonly string[];
  readonly records: number;
  /** Sum of a SHA-256 of each record. */
  readonly digest: string;
  readonly isDone: boolean;
}

/** `out`: to a topic that is put in its place for a while; `switch`: the topic is made anew; `back`: from there to the new topic. */
export interface TopicProgress {
  readonly step: 'out' | 'switch' | 'back' | 'done';
  readonly out?: CopyProgress;
  readonly back?: CopyProgress;
}

const planKey = 'plan';

export class ProgressTopic {
  readonly #log: Log;
  readonly #name: string;
  readonly #transactionalId: string;
  readonly #states = new Map<string, string>();
  #transactions: LogTransactions | undefined;

  /** Fences another command that is at it, and reads what was done before. */
  static async open(log: Log, name: string, transactionalId: string): Promise<ProgressTopic> {
    const spec = { name, partitions: 1, settings: { 'cleanup.policy': 'compact' } };
    await log.admin.ensureTopics([spec], { create: true });
    const topic = new ProgressTopic(log, name, transactionalId);
    await topic.settle();
    for await (const records of log.read({ topic: name, partition: 0 })) {
      for (const { key, value } of records) topic.#states.set(String(key), String(value));
    }
    return topic;
  }

  private constructor(log: Log, name: string, transactionalId: string) {
    this.#log = log;
    this.#name = name;
    this.#transactionalId = transactionalId;
  }

  get plan(): Plan | undefined {
    return this.#read<Plan>(planKey);
  }

  async begin(plan: Plan): Promise<void> {
    await this.#commit([], planKey, plan);
  }

  topic(name: string): TopicProgress {
    return this.#read<TopicProgress>(`topic/${name}`) ?? { step: 'out' };
  }

  /** Records and progress, both or none. Errors: log-fenced, record-too-large, log-commit-unknown. */
  async advance(
    name: string,
    progress: TopicProgress,
    records: readonly OutgoingRecord[] = [],
  ): Promise<void> {
    await this.#commit(records, `topic/${name}`, progress);
  }

  get transactions(): LogTransactions {
    if (this.#transactions !== undefined) return this.#transactions;
    throw new HeadwaterError('log-unavailable', 'the progress topic is closed');
  }

  /** Waits until all that was committed can be read: brokers finish a transaction in the background. */
  async settle(): Promise<void> {
    await this.#transactions?.close();
    this.#transactions = await this.#log.openTransactions(this.#transactionalId);
  }

  async close(): Promise<void> {
    await this.#transactions?.close();
    this.#transactions = undefined;
  }

  /** When all is done. */
  async remove(): Promise<void> {
    await this.close();
    await this.#log.admin.deleteTopics([this.#name]);
  }

  #read<T>(key: string): T | undefined {
    const text = this.#states.get(key);
    return text === undefined ? undefined : (JSON.parse(text) as T);
  }

  async #commit(records: readonly OutgoingRecord[], key: string, state: unknown): Promise<void> {
    const text = JSON.stringify(state);
    const mark = { topic: this.#name, partition: 0, key, value: Buffer.from(text) };
    await this.transactions.commit([...records, mark]);
    this.#states.set(key, text);
  }
}
