/** Runs images concurrently, except quarantined records: each of those runs alone, so that a crash has one cause. */
import { HeadwaterError } from '@headwater/errors';
import { Semaphore } from '@headwater/extractors';
import type { LogRecord } from '@headwater/log';
import type { CrashJournal } from './crash-journal.ts';

export class Quarantine {
  private readonly journal: CrashJournal;
  private readonly permits: Semaphore;

  constructor(journal: CrashJournal, maxConcurrent: number) {
    this.journal = journal;
    this.permits = new Semaphore(maxConcurrent);
  }

  /** Errors: extractor-failed for an image that crashed the process twice, and those of `work`. */
  async run<T>(record: LogRecord, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.journal.isPoisonRecord(record)) {
      throw new HeadwaterError('extractor-failed', 'image crashed the process twice');
    }
    if (this.journal.isQuarantined(record)) {
      return await this.permits.runAlone(() => this.journal.runIsolated(record, work), signal);
    }
    await this.permits.enter(signal);
    try {
      return await work();
    } finally {
      this.permits.leave();
    }
  }
}
