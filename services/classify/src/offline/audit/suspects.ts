/**
 * Records that may lack an output, on disk (there may be as many as images), ordered by the owner of the
 * output.
 */
import { EventLoopBudget } from '../../event-loop.ts';
import { Draft } from '../../store/state.ts';
import type { Judge, Judgement } from './judgement.ts';
import type { Owner, Suspect } from './suspect.ts';
import { decodeJsonEntry, encodeJsonEntry } from './tables/plain.ts';
import type { AuditTables } from './tables/tables.ts';

/** A suspect with its judgement. */
export interface Kept {
  readonly key: string;
  readonly suspect: Suspect;
  readonly judgement: Judgement;
}

const prefix = 'suspect/';
const entriesAtOnce = 1_000;

export class MissingOutputs {
  readonly #tables: AuditTables;
  readonly #extractors: readonly string[];
  #size = 0;

  constructor(tables: AuditTables, extractors: readonly string[]) {
    this.#tables = tables;
    this.#extractors = extractors;
  }

  get size(): number {
    return this.#size;
  }

  /** Keeps suspects that lack an output by the present tables. */
  async collect(found: Iterable<Suspect>, judge: Judge, signal?: AbortSignal): Promise<void> {
    const eventLoop = new EventLoopBudget();
    let draft = new Draft(this.#tables.store);
    let numbered = this.#size;
    for (const suspect of found) {
      await eventLoop.yieldIfDue(signal);
      const judgement = judge.judge(suspect);
      if (judgement === undefined) continue;
      draft.put(this.#keyOf(suspect, numbered++), encodeJsonEntry({ suspect, judgement }));
      this.#size++;
      if (draft.changes.size < entriesAtOnce) continue;
      await this.#tables.store.write(draft.changes, new Map());
      draft = new Draft(this.#tables.store);
    }
    if (draft.changes.size > 0) await this.#tables.store.write(draft.changes, new Map());
  }

  /** Drops suspects that have their output by now. */
  async review(judge: Judge, signal?: AbortSignal): Promise<void> {
    const eventLoop = new EventLoopBudget();
    for (const { key, suspect } of this.all()) {
      await eventLoop.yieldIfDue(signal);
      if (judge.judge(suspect) === undefined) await this.drop([key]);
    }
  }

  async drop(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    await this.#tables.store.write(new Map(keys.map((key) => [key, null])), new Map());
    this.#size -= keys.length;
  }

  all(): Generator<Kept> {
    return this.#read(prefix);
  }

  /** Each owner once, those of vectors first. */
  *owners(): Generator<Owner> {
    let last: string | undefined;
    for (const { suspect } of this.all()) {
      const owner = this.#ownerOf(suspect);
      const name = this.#prefixOf(owner);
      if (name !== last) yield owner;
      last = name;
    }
  }

  of(owner: Owner): Generator<Kept> {
    return this.#read(this.#prefixOf(owner));
  }

  *#read(within: string): Generator<Kept> {
    for (const { key, value } of this.#tables.store.range(within)) {
      yield { key, ...decodeJsonEntry<Omit<Kept, 'key'>>(value) };
    }
  }

  #keyOf(suspect: Suspect, number: number): string {
    return `${this.#prefixOf(this.#ownerOf(suspect))}${String(number).padStart(12, '0')}`;
  }

  #prefixOf({ role, extractor, partition }: Owner): string {
    const rank = role === 'join' ? 'join' : `extract-${this.#extractors.indexOf(extractor)}`;
    return `${prefix}${rank}/${partition}/`;
  }

  #ownerOf(suspect: Suspect): Owner {
    const { extractor } = suspect;
    if (suspect.of === 'image') return { role: 'extract', extractor, partition: suspect.image.partition };
    if (suspect.of === 'prediction') return { role: 'join', extractor, partition: suspect.vector.partition };
    return { role: 'join', extractor, partition: this.#tables.partitionOf(suspect.imageId) };
  }
}
