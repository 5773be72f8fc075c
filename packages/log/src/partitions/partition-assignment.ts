/**
 * Balanced, sticky assignment of partitions to group members: a partition that moves must roll its local store
 * forward, or rebuild it. The function is pure, so that every leader computes the same assignment.
 */

export interface GroupMemberClaim {
  readonly id: string;
  /** Partitions of this member in the former generation. */
  readonly former: readonly number[];
  /** Partitions with a store on this member's disk, and its position: the largest one is the newest. */
  readonly stored?: ReadonlyMap<number, bigint> | undefined;
}

/**
 * Partitions (ascending) by member id; members differ by at most one partition. A partition stays with its member; one
 * that cannot goes to the member with the newest store, then to the one with the fewest partitions.
 */
export function assignPartitions(
  partitions: number,
  members: readonly GroupMemberClaim[],
): ReadonlyMap<string, readonly number[]> {
  const sorted = [...members].sort((a, b) => (a.id < b.id ? -1 : 1));
  const shares = new Shares(
    partitions,
    sorted.map(({ id }) => id),
  );
  const awaited = storedWithRoom(partitions, sorted);
  // A member that must give up partitions gives up those whose store a returning member has.
  for (const isAwaited of [false, true])
    for (const { id, former } of sorted)
      for (const partition of former) if (awaited.has(partition) === isAwaited) shares.assign(partition, id);
  for (const { partition, id } of storesByAge(sorted)) shares.assign(partition, id);
  shares.assignRest();
  return shares.assigned();
}

/** Partitions whose store is on the disk of a member that has fewer than its share. */
function storedWithRoom(partitions: number, members: readonly GroupMemberClaim[]): ReadonlySet<number> {
  const share = Math.floor(partitions / Math.max(members.length, 1));
  const withRoom = members.filter(({ former }) => former.length < share);
  return new Set(
    withRoom.flatMap(({ former, stored }) =>
      [...(stored?.keys() ?? [])].filter((own) => !former.includes(own)),
    ),
  );
}

/** The newest first; of equal ones in the order of the members. */
function storesByAge(members: readonly GroupMemberClaim[]) {
  const stores = members.flatMap(({ id, stored }) =>
    [...(stored ?? [])].map(([partition, position]) => ({ id, partition, position })),
  );
  return stores.sort((a, b) => (a.position === b.position ? 0 : a.position > b.position ? -1 : 1));
}

/** What each member has so far, at most its share of the partitions. */
class Shares {
  readonly #free: Set<number>;
  readonly #assigned: ReadonlyMap<string, number[]>;
  readonly #share: number;
  /** Members that may have one partition more. */
  #extra: number;

  constructor(partitions: number, ids: readonly string[]) {
    this.#free = new Set(Array.from({ length: partitions }, (_, partition) => partition));
    this.#assigned = new Map(ids.map((id) => [id, []]));
    this.#share = Math.floor(partitions / Math.max(ids.length, 1));
    this.#extra = partitions - this.#share * ids.length;
  }

  /** Does nothing where the partition is assigned already, or the member has its share. */
  assign(partition: number, id: string): void {
    const own = this.#assigned.get(id);
    if (own === undefined || !this.#free.has(partition) || own.length > this.#share) return;
    if (own.length === this.#share) {
      if (this.#extra === 0) return;
      this.#extra -= 1;
    }
    this.#free.delete(partition);
    own.push(partition);
  }

  assignRest(): void {
    for (const partition of this.#free) this.#leastLoaded().push(partition);
    this.#free.clear();
  }

  assigned(): ReadonlyMap<string, readonly number[]> {
    for (const own of this.#assigned.values()) own.sort((a, b) => a - b);
    return this.#assigned;
  }

  #leastLoaded(): number[] {
    let least: number[] = [];
    let load = Number.POSITIVE_INFINITY;
    for (const own of this.#assigned.values()) {
      if (own.length < load) {
        least = own;
        load = own.length;
      }
    }
    return least;
  }
}
