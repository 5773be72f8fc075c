/** How far a follower is: where each partition stands, and whether what was there at the start is done. */
import type { HeadwaterError } from '@headwater/errors';

export class FollowProgress {
  readonly caughtUp: Promise<void>;
  readonly stopped: Promise<void>;
  readonly #done = new Map<string, bigint>();
  /** Ends at the start that are not reached yet. */
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

  /** All partitions are named before the first record is handed over. */
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

  /** With the error that ended it, or none when it was closed. */
  end(error?: HeadwaterError): void {
    this.#settleCaughtUp(error);
    this.#settleStopped(error);
  }
}
