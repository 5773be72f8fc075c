/** The owner of each partition of a group, from the group's description in Kafka: cached, and read at a bounded rate. */
import { setTimeout } from 'node:timers/promises';
import { HeadwaterError } from '@headwater/errors';
import type { LogAdmin } from '@headwater/log';

/** Address by partition; partitions without an owner, and owners without an address, are left out. */
export type Owners = ReadonlyMap<number, string>;

interface Entry {
  owners: Owners | undefined;
  /** Time of the last read, of `performance.now`. */
  readAt: number;
  reading: Promise<Owners | undefined> | undefined;
}

/** Least time between two reads of a group. */
const restMs = 250;
/** Rebalances are noticed by responses that do not cover a partition; this bounds how long a lost one is unnoticed. */
const maxAgeMs = 30_000;

export class PeerDirectory {
  readonly #admin: Pick<LogAdmin, 'describeGroup'>;
  readonly #groups = new Map<string, Entry>();

  constructor(admin: Pick<LogAdmin, 'describeGroup'>) {
    this.#admin = admin;
  }

  /**
   * Waits for a group that rebalances, until the deadline of `performance.now`. While Kafka does not respond, the last
   * known owners count. Errors: group-rebalancing, log-unavailable, log-forbidden.
   */
  async owners(group: string, deadline: number): Promise<Owners> {
    for (;;) {
      const entry = this.#entry(group);
      const known = performance.now() - entry.readAt < maxAgeMs ? entry.owners : undefined;
      const owners = known ?? (await this.#readUntil(group, entry, deadline));
      if (owners !== undefined) return owners;
      if (performance.now() + restMs > deadline) throw rebalancing();
      await setTimeout(restMs);
    }
  }

  /** Reads the group again, unless that was done a moment ago. Resolves after the read, or at the deadline. */
  async refresh(group: string, deadline: number): Promise<void> {
    const entry = this.#entry(group);
    if (performance.now() - entry.readAt >= restMs) await this.#readUntil(group, entry, deadline);
  }

  async #readUntil(group: string, entry: Entry, deadline: number): Promise<Owners | undefined> {
    const before = entry.owners;
    const timer = new AbortController();
    const late = setTimeout(Math.max(0, deadline - performance.now()), before, { signal: timer.signal });
    try {
      return await Promise.race([this.#read(group, entry), late]);
    } catch (error) {
      if (before === undefined) throw error;
      return before;
    } finally {
      late.catch(() => undefined);
      timer.abort();
    }
  }

  #entry(group: string): Entry {
    const known = this.#groups.get(group);
    if (known !== undefined) return known;
    const entry = { owners: undefined, readAt: Number.NEGATIVE_INFINITY, reading: undefined };
    this.#groups.set(group, entry);
    return entry;
  }

  /** One read of a group at a time; undefined while it rebalances. */
  #read(group: string, entry: Entry): Promise<Owners | undefined> {
    if (entry.reading !== undefined) return entry.reading;
    entry.reading = this.#describe(group)
      .then((owners) => {
        entry.owners = owners;
        entry.readAt = performance.now();
        return owners;
      })
      .finally(() => {
        entry.reading = undefined;
      });
    // It may fail after the deadline of the question.
    entry.reading.catch(() => undefined);
    return entry.reading;
  }

  async #describe(group: string): Promise<Owners | undefined> {
    const { isStable, members } = await this.#admin.describeGroup(group);
    if (!isStable) return undefined;
    const owned = members.flatMap(({ address, partitions }) => {
      const origin = originOf(address);
      return origin === undefined ? [] : partitions.map((partition) => [partition, origin] as const);
    });
    return new Map(owned);
  }
}

/** Members write their own metadata: anything but an http(s) URL counts as no address. */
function originOf(address: string | undefined): string | undefined {
  if (address === undefined || !URL.canParse(address)) return undefined;
  const { protocol, origin } = new URL(address);
  return protocol === 'http:' || protocol === 'https:' ? origin : undefined;
}

export function rebalancing(): HeadwaterError {
  return new HeadwaterError('group-rebalancing', 'the partitions are being reassigned; retry later');
}
