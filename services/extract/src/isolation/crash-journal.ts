/**
 * Decoders and engines are native code: an image that crashes one takes the whole process with it, and after the restart the
 * same image would come again, for ever. So what is under way is written down, and what was under way when
 * the process died is suspected: it is tried again with nothing beside it. An image that was alone in two deaths is guilty.
 *
 * The notes of a process lie in a folder of its own; its successors on the same host adopt them. They need to outlive the
 * process, not the machine, so nothing waits for the disk; and images go through without them where nothing can be written.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { asHeadwaterError } from '@headwater/errors';
import type { LogRecord } from '@headwater/log';
import { JournalFolder, listFiles } from './journal-folder.ts';

/** Deaths with nothing else under way that make an image guilty. */
const crashesOfPoisonRecord = 2;
/** What did not come again by then was committed by someone else. */
const quarantineExpiryMs = 24 * 3_600_000;

/** `topic/partition/offset` */
type Place = string;

interface Suspect {
  /** Times that the process died while this was the only image under way. */
  readonly deaths: number;
  readonly since: number;
}

interface Notes {
  readonly suspects: Readonly<Record<Place, Suspect>>;
  readonly alone: Place | null;
}

const placeOf = ({ topic, partition, offset }: LogRecord): Place => `${topic}/${partition}/${offset}`;

/** Folders of journals that are open in this process. */
const openFolders = new Set<string>();
let journals = 0;

/** Whether whoever wrote this folder, named `<host>-<process>-<number>`, is still there. */
function isInUse(folder: string): boolean {
  const pid = Number(folder.split('-').at(-2));
  // In a container the successor has the same process id: then the notes are those of a former life.
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
  private readonly notes: JournalFolder;
  private readonly suspects = new Map<Place, Suspect>();
  private batches = 0;
  private closed = false;

  /** Opens notes under `root`, and adopts those of processes of this host that have died. */
  constructor(root: string) {
    journals += 1;
    this.name = `${hostname()}-${process.pid}-${journals}`;
    const ours = listFiles(root).filter((name) => name.startsWith(`${hostname()}-`));
    const left = ours.filter((name) => !isInUse(name));
    for (const name of left) this.adopt(new JournalFolder(join(root, name)));
    openFolders.add(this.name);
    this.notes = new JournalFolder(join(root, this.name));
    this.notes.create();
    this.note(null);
    // What was adopted is noted now. A former life may have had our very name: of that one only the batches go.
    for (const file of this.notes.list('batch-')) this.notes.delete(file);
    for (const name of left) if (name !== this.name) new JournalFolder(join(root, name)).remove();
  }

  /** false: nothing can be written there, so no suspicion outlives this process. */
  get isKept(): boolean {
    return this.notes.isWritable;
  }

  /** Number of images that are suspected. */
  get size(): number {
    return this.suspects.size;
  }

  isSuspect(record: LogRecord): boolean {
    return this.suspects.has(placeOf(record));
  }

  isPoisonRecord(record: LogRecord): boolean {
    return (this.suspects.get(placeOf(record))?.deaths ?? 0) >= crashesOfPoisonRecord;
  }

  /** Notes that these records are under way for as long as `work` takes. */
  async during<T>(records: readonly LogRecord[], work: () => Promise<T>): Promise<T> {
    if (this.closed) return await work();
    this.batches += 1;
    const file = `batch-${this.batches}`;
    this.notes.write(file, records.map(placeOf));
    try {
      return await work();
    } finally {
      this.notes.delete(file);
    }
  }

  /** Notes that a suspect is under way alone; when the process survives it, it is cleared. */
  async runIsolated<T>(record: LogRecord, work: () => Promise<T>): Promise<T> {
    const place = placeOf(record);
    this.note(place);
    try {
      const result = await work();
      this.suspects.delete(place);
      return result;
    } catch (error) {
      // A reason to try again says nothing about the image: it may never have been looked at.
      if (asHeadwaterError(error).verdict === 'dead-letter') this.suspects.delete(place);
      throw error;
    } finally {
      this.note(null);
    }
  }

  /**
   * For an orderly stop, when it begins: whatever ends the process from now on, the images in flight are not to blame. MissingOutputs that
   * did not come again stay noted. Idempotent.
   */
  close(): void {
    if (this.closed) return;
    this.note(null);
    this.closed = true;
    for (const file of this.notes.list('batch-')) this.notes.delete(file);
    if (this.suspects.size === 0) this.notes.remove();
    openFolders.delete(this.name);
  }

  private adopt(folder: JournalFolder): void {
    const { suspects = {}, alone = null } = folder.read<Partial<Notes>>('suspects') ?? {};
    const now = Date.now();
    for (const [place, { deaths, since }] of Object.entries(suspects)) {
      if (since < now - quarantineExpiryMs) continue;
      this.suspects.set(place, { since, deaths: place === alone ? deaths + 1 : deaths });
    }
    // Beside one that was alone, all others were waiting.
    if (alone !== null) return;
    for (const file of folder.list('batch-')) {
      for (const place of folder.read<Place[]>(file) ?? []) {
        if (!this.suspects.has(place)) this.suspects.set(place, { deaths: 0, since: now });
      }
    }
  }

  private note(alone: Place | null): void {
    if (this.closed) return;
    const notes: Notes = { suspects: Object.fromEntries(this.suspects), alone };
    this.notes.write('suspects', notes);
  }
}
