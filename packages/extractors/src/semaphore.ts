/** Limits concurrent callers; the rest wait in FIFO order. It bounds memory in front of decoders and engine. */
import { setMaxListeners } from 'node:events';

export class Semaphore {
  private readonly places: number;
  private free: number;
  private readonly line: (() => void)[] = [];
  /** Of callers that want all places: two that each had some would wait for each other. */
  private turn: Semaphore | undefined;

  constructor(places: number) {
    this.places = places;
    this.free = places;
  }

  /** Runs `work` while no other caller is in; callers that come later wait. */
  async runAlone<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    this.turn ??= new Semaphore(1);
    const { turn } = this;
    let taken = 0;
    await turn.enter(signal);
    try {
      for (; taken < this.places; taken += 1) await this.enter(signal);
      return await work();
    } finally {
      for (; taken > 0; taken -= 1) this.leave();
      turn.leave();
    }
  }

  /** Resolves when there is a permit; rejects with the signal's reason if aborted before. */
  async enter(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.free > 0) {
      this.free -= 1;
      return;
    }
    await this.wait(signal);
  }

  /** Passes the permit on to the next waiting caller. */
  leave(): void {
    const next = this.line.shift();
    if (next) next();
    else this.free += 1;
  }

  private wait(signal?: AbortSignal): Promise<void> {
    // Related callers share one signal, and there may be hundreds: not a leak.
    if (signal) setMaxListeners(0, signal);
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      const abort = () => {
        this.line.splice(this.line.indexOf(enter), 1);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.line.push(enter);
    });
  }
}
