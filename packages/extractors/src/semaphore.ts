/** Lets a number of callers in at once and the others wait in line: what keeps memory bounded in front of decoders and engine. */
import { setMaxListeners } from 'node:events';

export class Semaphore {
  private free: number;
  private readonly line: (() => void)[] = [];

  constructor(places: number) {
    this.free = places;
  }

  /** Resolves when there is a place; rejects with the signal's reason when aborted before. */
  async enter(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.free > 0) {
      this.free -= 1;
      return;
    }
    await this.wait(signal);
  }

  /** Hands the place on to the next in line. */
  leave(): void {
    const next = this.line.shift();
    if (next) next();
    else this.free += 1;
  }

  private wait(signal?: AbortSignal): Promise<void> {
    // Callers that belong together share one signal, and there may be hundreds: that is no leak.
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
