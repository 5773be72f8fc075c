/**
 * Admission control of an extractor: limits concurrent records and makes further callers wait. On close it completes the
 * admitted calls before the resources behind it are released.
 */
import { HeadwaterError } from '@headwater/errors';
import { Semaphore } from './semaphore.ts';

export class Admission {
  private readonly places: Semaphore;
  private readonly end: () => Promise<void>;
  private pending = 0;
  private drained: (() => void) | undefined;
  private closed: Promise<void> | undefined;

  /** `end` is called once, after `close`, when the last admitted call has completed. */
  constructor(places: number, end: () => Promise<void>) {
    this.places = new Semaphore(places);
    this.end = end;
  }

  /** Errors: overloaded (closed), the signal's reason, and those of `work`. */
  async admit<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.closed) throw new HeadwaterError('overloaded', 'extractor is closed');
    this.pending += 1;
    try {
      await this.places.enter(signal);
      try {
        return await work();
      } finally {
        this.places.leave();
      }
    } finally {
      this.pending -= 1;
      if (this.pending === 0) this.drained?.();
    }
  }

  /** Resolves when the admitted calls have completed. */
  close(): Promise<void> {
    this.closed ??= this.whenEmpty().then(() => this.end());
    return this.closed;
  }

  private async whenEmpty(): Promise<void> {
    if (this.pending === 0) return;
    await new Promise<void>((resolve) => {
      this.drained = resolve;
    });
  }
}
