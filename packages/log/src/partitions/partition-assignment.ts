/**
 * Which member of a group gets which partitions: evenly, and as far as that allows the ones it had, because a
 * partition that moves has to roll its local store forward. Pure, so that every leader decides alike.
 */

export interface GroupMemberClaim {
  readonly id: string;
  /** Partitions that this member had in the former generation. */
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

/** Gives members what they had, up to their share; returns the partitions that are left. */
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
