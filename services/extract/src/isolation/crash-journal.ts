/**
 * Decoders and engines are native code: an image can crash the process, and would crash it again after the restart.
 * So the records in progress are written to a journal. Those in progress at a crash are quarantined: they are
 * retried one at a time. An image that was processed alone in two crashes is a poison record.
 *
 * Each process has its own folder; later processes on the same host adopt it. The journal must outlive the process
 * but not the machine, so writes are not synced. Images are processed without a journal where it cannot be written.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { asHeadwaterError } from '@headwater/errors';
import type { LogRecord } from '@headwater/log';
import { JournalFolder, listFiles } from './journal-folder.ts';

/** Crashes with no other image in progress that make an image a poison record. */
const crashesOfPoisonRecord = 2;
/** A quarantined record that was not read again by then was committed by another process. */
const quarantineExpiryMs = 24 * 3_600_000;

/** `topic/partition/offset` */
type Place = string;

interface QuarantinedRecord {
  /** Crashes while this was the only image in progress. */
  readonly deaths: number;
  readonly since: number;
}

/** Contents of the file `suspects`. */
interface JournalState {
  readonly suspects: Readonly<Record<Place, QuarantinedRecord>>;
  readonly alone: Place | null;
}

const placeOf = ({ topic, partition, offset }: LogRecord): Place => `${topic}/${partition}/${offset}`;

/** Folders of journals that are open in this process. */
const openFolders = new Set<string>();
let journals = 0;

/** Whether the process of this folder, named `<host>-<process>-<number>`, is still running. */
function isInUse(folder: string): boolean {
  const pid = Number(folder.split('-').at(-2));
  // After a restart in a container the process id is often the same: then the folder is of the process before.
  if (pid === process.pid) return openFolders.has(folder);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

export class CrashJournal {
  private readonly name: string;
  private readonly folder: JournalFolder;
  private readonly quarantined = new Map<Place, QuarantinedRecord>();
  private batches = 0;
  private closed = false;

  /** Opens a journal under `root`, and adopts those of processes of this host that have ended. */
  constructor(root: string) {
    journals += 1;
    this.name = `${hostname()}-${process.pid}-${journals}`;
    const ours = listFiles(root).filter((name) => name.startsWith(`${hostname()}-`));
    const left = ours.filter((name) => !isInUse(name));
    for (const name of left) this.adopt(new JournalFolder(join(root, name)));
    openFolders.add(this.name);
    this.folder = new JournalFolder(join(root, this.name));
    this.folder.create();
    this.write(null);
    // Adopted records are in the new journal now. If an old one has the same name, only its batches are deleted.
    for (const file of this.folder.list('batch-')) this.folder.delete(file);
    for (const name of left) if (name !== this.name) new JournalFolder(join(root, name)).remove();
  }

  /** False where the folder cannot be written: the quarantine then ends with this process. */
  get isKept(): boolean {
    return this.folder.isWritable;
  }

  /** Number of quarantined records. */
  get size(): number {
    return this.quarantined.size;
  }

  isQuarantined(record: LogRecord): boolean {
    return this.quarantined.has(placeOf(record));
  }

  isPoisonRecord(record: LogRecord): boolean {
    return (this.quarantined.get(placeOf(record))?.deaths ?? 0) >= crashesOfPoisonRecord;
  }

  /** Keeps these records in the journal while `work` runs. */
  async during<T>(records: readonly LogRecord[], work: () => Promise<T>): Promise<T> {
    if (this.closed) return await work();
    this.batches += 1;
    const file = `batch-${this.batches}`;
    this.folder.write(file, records.map(placeOf));
    try {
      return await work();
    } finally {
      this.folder.delete(file);
    }
  }

  /** Processes a quarantined record alone; it leaves the quarantine unless the process crashes. */
  async runIsolated<T>(record: LogRecord, work: () => Promise<T>): Promise<T> {
    const place = placeOf(record);
    this.write(place);
    try {
      const result = await work();
      this.quarantined.delete(place);
      return result;
    } catch (error) {
      // After an error with the verdict retry the image may not have been decoded: it stays in quarantine.
      if (asHeadwaterError(error).verdict === 'dead-letter') this.quarantined.delete(place);
      throw error;
    } finally {
      this.write(null);
    }
  }

  /**
   * To be called when an orderly stop begins: a later end of the process does not quarantine the images in flight.
   * Quarantined records that were not read again stay in the journal. Idempotent.
   */
  close(): void {
    if (this.closed) return;
    this.write(null);
    this.closed = true;
    for (const file of this.folder.list('batch-')) this.folder.delete(file);
    if (this.quarantined.size === 0) this.folder.remove();
    openFolders.delete(this.name);
  }

  private adopt(folder: JournalFolder): void {
    const { suspects = {}, alone = null } = folder.read<Partial<JournalState>>('suspects') ?? {};
    const now = Date.now();
    for (const [place, { deaths, since }] of Object.entries(suspects)) {
      if (since < now - quarantineExpiryMs) continue;
      this.quarantined.set(place, { since, deaths: place === alone ? deaths + 1 : deaths });
    }
    // While a quarantined record is processed alone, all others wait.
    if (alone !== null) return;
    for (const file of folder.list('batch-')) {
      for (const place of folder.read<Place[]>(file) ?? []) {
        if (!this.quarantined.has(place)) this.quarantined.set(place, { deaths: 0, since: now });
      }
    }
  }

  private write(alone: Place | null): void {
    if (this.closed) return;
    const state: JournalState = { suspects: Object.fromEntries(this.quarantined), alone };
    this.folder.write('suspects', state);
  }
}
