/**
 * The partitions whose stores are in a folder, which their process claims when it joins the group: a partition that is
 * assigned to the process with the newest store is rolled forward, not rebuilt.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Positions } from '@headwater/log';
import { readHeaderNote, type StoreHeader } from './store-header.ts';

interface StoredPartitionsOptions {
  readonly folder: string;
  /** What the identities of usable stores begin with. */
  readonly identity: string;
  /** An older store is rebuilt when it is opened, and not claimed. */
  readonly maxAgeMs: number;
}

type Stored = Pick<StoreHeader, 'positions' | 'writtenAt'>;

export class StoredPartitions {
  readonly #maxAgeMs: number;
  readonly #stores: Map<number, Stored>;

  private constructor(maxAgeMs: number, stores: Map<number, Stored>) {
    this.#maxAgeMs = maxAgeMs;
    this.#stores = stores;
  }

  /** Reads the stores that former processes have left in the folder. */
  static read({ folder, identity, maxAgeMs }: StoredPartitionsOptions): StoredPartitions {
    const stores = new Map<number, Stored>();
    for (const name of listPartitions(folder)) {
      const header = readHeaderNote(join(folder, name));
      if (header?.identity.startsWith(identity)) stores.set(Number(name), header);
    }
    return new StoredPartitions(maxAgeMs, stores);
  }

  /** The store of a partition that this process has opened; its last state counts also when it is closed. */
  opened(partition: number, store: Stored): void {
    this.#stores.set(partition, store);
  }

  /** Partitions with the sum of their positions, which is larger in a newer store. */
  claims(): ReadonlyMap<number, bigint> {
    const oldest = Date.now() - this.#maxAgeMs;
    const usable = [...this.#stores].filter(
      ([, { writtenAt, positions }]) => writtenAt > oldest && positions.size > 0,
    );
    return new Map(usable.map(([partition, { positions }]) => [partition, sumOf(positions)]));
  }
}

function listPartitions(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => /^\d{1,6}$/.test(name));
  } catch {
    return [];
  }
}

function sumOf(positions: Positions): bigint {
  return [...positions.values()].reduce((sum, offset) => sum + offset, 0n);
}
