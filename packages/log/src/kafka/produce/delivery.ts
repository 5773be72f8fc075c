/** State of one batch from the first attempt to its acknowledgement or failure. */
import { HeadwaterError } from '@headwater/errors';
import { backoffMs } from '../../backoff.ts';
import { type EncodedBatch, partitionName } from './protocol/produce-request.ts';

/** A batch was not acknowledged. */
export class BatchFailure extends Error {
  override readonly name = 'BatchFailure';
  readonly error: HeadwaterError;
  /** The batch may be in the log: its sequence numbers must not be reused. */
  readonly inDoubt: boolean;

  constructor(error: HeadwaterError, inDoubt: boolean) {
    super(error.message, { cause: error });
    this.error = error;
    this.inDoubt = inDoubt;
  }
}

const longestWaitMs = 1_000;

export class Delivery implements EncodedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: Buffer;
  /** Milliseconds since the epoch, like all times here; no attempt starts after it. */
  readonly deadline: number;
  readonly since = Date.now();
  /** Resolves with the acknowledgement; rejects with a BatchFailure. */
  readonly done: Promise<void>;
  #notBefore = 0;
  #failures = 0;
  #inDoubt = false;
  #reason = 'no leader';
  #cause: unknown;
  #resolve: () => void = () => undefined;
  #reject: (failure: BatchFailure) => void = () => undefined;

  constructor({ topic, partition, bytes }: EncodedBatch, deadline: number) {
    this.topic = topic;
    this.partition = partition;
    this.bytes = bytes;
    this.deadline = deadline;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  isReady(now: number): boolean {
    return this.#notBefore <= now;
  }

  /** Time at which the batch is ready or expires. */
  nextTurn(now: number): number {
    return this.isReady(now) ? this.deadline : Math.min(this.#notBefore, this.deadline);
  }

  acknowledge(): void {
    this.#resolve();
  }

  /** Schedules another attempt. `mayBeWritten`: the last attempt may have reached the log. */
  postpone(reason: string, cause: unknown, mayBeWritten: boolean): void {
    this.#notBefore = Date.now() + Math.min(backoffMs(this.#failures), longestWaitMs);
    this.#failures += 1;
    this.#inDoubt ||= mayBeWritten;
    this.#reason = reason;
    this.#cause = cause;
  }

  giveUp(error: HeadwaterError, mayBeWritten = false): void {
    this.#reject(new BatchFailure(error, this.#inDoubt || mayBeWritten));
  }

  expire(): void {
    const seconds = Math.round((Date.now() - this.since) / 1_000);
    const message = `writing to ${partitionName(this)} was not acknowledged within ${seconds} s (${this.#reason})`;
    this.giveUp(new HeadwaterError('log-unavailable', message, { cause: this.#cause }));
  }

  abandon(): void {
    this.giveUp(new HeadwaterError('log-unavailable', 'the producer is closed', { cause: this.#cause }));
  }
}
