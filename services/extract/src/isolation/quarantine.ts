/** Runs images concurrently, except quarantined records: each of those runs alone, so that a crash has one cause. */
import { HeadwaterError } from '@headwater/errors';
import { Semaphore } from '@headwater/extractors';
import type { LogRecord } from '@headwater/log';
import type { CrashJournal } from './crash-journal.ts';

export class Quarantine {
  private readonly journal: CrashJournal;
  private readonly maxConcurrent: number;
  private readonly permits: Semaphore;
  private readonly exclusive = new Semaphore(1);

  constructor(journal: CrashJournal, maxConcurrent: number) {
    this.journal = journal;
    this.maxConcurrent = maxConcurrent;
    this.permits = new Semaphore(maxConcurrent);
  }

  /** Errors: extractor-failed for an image that crashed the process twice, and those of `work`. */
  async run<T>(record: LogRecord, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.journal.isPoisonRecord(record)) {
      throw new HeadwaterError('extractor-failed', 'image crashed the process twice');
    }
    if (this.journal.isQuarantined(record)) return await this.runExclusively(record, work, signal);
    await this.permits.enter(signal);
    try {
      return await work();
    } finally {
      this.permits.leave();
    }
  }

  /** Acquires all permits, one after the other; later images wait in the queue of the semaphore. */
  private async runExclusively<T>(
    record: LogRecord,
    work: () => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    let taken = 0;
    await this.exclusive.enter(signal);
    try {
      for (; taken < this.maxConcurrent; taken += 1) await this.permits.enter(signal);
      return await this.journal.runIsolated(record, work);
    } finally {
      for (; taken > 0; taken -= 1) this.permits.leave();
      this.exclusive.leave();
    }
  }
}
