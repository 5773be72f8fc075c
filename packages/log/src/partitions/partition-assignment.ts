/**
 * Balanced, sticky assignment of partitions to group members: a partition that moves must roll its local store
 * forward. The function is pure, so that every leader computes the same assignment.
 */

interface GroupMemberClaim {
  readonly id: string;
  /** Partitions of this member in the former generation. */
  readonly former: readonly number[];
}

/** Partitions (ascending) by member id; members differ by at most one partition. */
export function assignPartitions(
  partitions: number,
  members: readonly GroupMemberClaim[],
): ReadonlyMap<string, readonly number[]> {
  const sorted = [...members].sort((a, b) => (a.id < b.id ? -1 : 1));
  const assigned = new Map<string, number[]>(sorted.map(({ id }) => [id, []]));
  const free = keepFormer(partitions, sorted, assigned);
  for (const partition of free) leastLoaded(assigned).push(partition);
  for (const own of assigned.values()) own.sort((a, b) => a - b);
  return assigned;
}

/** Keeps the former partitions of each member up to its share; returns the remaining partitions. */
function keepFormer(
  partitions: number,
  members: readonly GroupMemberClaim[],
  assigned: ReadonlyMap<string, number[]>,
): number[] {
  const free = new Set(Array.from({ length: partitions }, (_, partition) => partition));
  const share = Math.floor(partitions / Math.max(members.length, 1));
  let extra = partitions - share * members.length;
  for (const { id, former } of members) {
    const own = assigned.get(id) ?? [];
    for (const partition of former) {
      if (!free.has(partition) || own.length > share || (own.length === share && extra === 0)) continue;
      if (own.length === share) extra -= 1;
      free.delete(partition);
      own.push(partition);
    }
  }
  return [...free];
}

function leastLoaded(assigned: ReadonlyMap<string, number[]>): number[] {
  let least: number[] = [];
  let load = Number.POSITIVE_INFINITY;
  for (const own of assigned.values()) {
    if (own.length < load) {
      least = own;
      load = own.length;
    }
  }
  return least;
}
