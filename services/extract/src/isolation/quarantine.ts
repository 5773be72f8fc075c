/** Runs images side by side, save for suspects: one of those runs when nothing else does, so that its guilt is beyond doubt. */
import { HeadwaterError } from '@headwater/errors';
import { Semaphore } from '@headwater/extractors';
import type { LogRecord } from '@headwater/log';
import type { CrashJournal } from './crash-journal.ts';

export class Quarantine {
  private readonly journal: CrashJournal;
  private readonly width: number;
  private readonly places: Semaphore;
  private readonly turn = new Semaphore(1);

  /** At most `width` images are under way. */
  constructor(journal: CrashJournal, width: number) {
    this.journal = journal;
    this.width = width;
    this.places = new Semaphore(width);
  }

  /** Errors: extractor-failed for an image that ended the process twice, and those of `work`. */
  async run<T>(record: LogRecord, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.journal.isPoisonRecord(record)) {
      throw new HeadwaterError('extractor-failed', 'This image has ended the process twice.');
    }
    if (this.journal.isSuspect(record)) return await this.runAlone(record, work, signal);
    await this.places.enter(signal);
    try {
      return await work();
    } finally {
      this.places.leave();
    }
  }

  /** Takes every place, one after the other; whoever comes meanwhile stands in line behind. */
  private async runAlone<T>(record: LogRecord, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    let taken = 0;
    await this.turn.enter(signal);
    try {
      for (; taken < this.width; taken += 1) await this.places.enter(signal);
      return await this.journal.runIsolated(record, work);
    } finally {
      for (; taken > 0; taken -= 1) this.places.leave();
      this.turn.leave();
    }
  }
}
