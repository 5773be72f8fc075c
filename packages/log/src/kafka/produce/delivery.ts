/** One batch on its way to its partition, from the first attempt to its acknowledgement or its end. */
import { HeadwaterError } from '@headwater/errors';
import { backoffMs } from '../../backoff.ts';
import { type EncodedBatch, partitionName } from './protocol/produce-request.ts';

/** Why a batch was not acknowledged. */
export class BatchFailure extends Error {
  override readonly name = 'BatchFailure';
  readonly error: HeadwaterError;
  /** The batch may be in the log: its sequence number must not be used for another one. */
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
  /** Milliseconds since the epoch, as are all times here; no attempt begins after it. */
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

  /** When it is ready or expires, whichever comes first. */
  nextTurn(now: number): number {
    return this.isReady(now) ? this.deadline : Math.min(this.#notBefore, this.deadline);
  }

  acknowledge(): void {
    this.#resolve();
  }

  /** Another attempt follows. `mayBeWritten`: the one before may have reached the log. */
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
