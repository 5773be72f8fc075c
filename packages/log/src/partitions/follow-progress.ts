/** Progress of a follower: the position of each partition, and whether it has reached the ends of the start. */
import type { HeadwaterError } from '@headwater/errors';

export class FollowProgress {
  readonly caughtUp: Promise<void>;
  readonly stopped: Promise<void>;
  readonly #done = new Map<string, bigint>();
  /** Ends at the start, of partitions that have not reached them. */
  readonly #goals = new Map<string, bigint>();
  #settleCaughtUp: (error?: HeadwaterError) => void = () => undefined;
  #settleStopped: (error?: HeadwaterError) => void = () => undefined;

  constructor() {
    this.caughtUp = new Promise((resolve, reject) => {
      this.#settleCaughtUp = (error) => (error === undefined ? resolve() : reject(error));
    });
    this.stopped = new Promise((resolve, reject) => {
      this.#settleStopped = (error) => (error === undefined ? resolve() : reject(error));
    });
    this.caughtUp.catch(() => undefined);
    this.stopped.catch(() => undefined);
  }

  /** Called for all partitions before the first record is delivered. */
  add(topic: string, partition: number, start: bigint, goal: bigint): void {
    this.#done.set(`${topic}/${partition}`, start);
    this.#goals.set(`${topic}/${partition}`, goal);
  }

  position(topic: string, partition: number): bigint | undefined {
    return this.#done.get(`${topic}/${partition}`);
  }

  advance(topic: string, partition: number, next: bigint): void {
    this.#done.set(`${topic}/${partition}`, next);
    this.check();
  }

  check(): void {
    for (const [key, goal] of this.#goals) {
      if ((this.#done.get(key) ?? 0n) >= goal) this.#goals.delete(key);
    }
    if (this.#goals.size === 0) this.#settleCaughtUp();
  }

  /** Takes the error that ended the follower, or none when it was closed. */
  end(error?: HeadwaterError): void {
    this.#settleCaughtUp(error);
    this.#settleStopped(error);
  }
}
