/**
 * Which member of a group gets which lanes: evenly, and as far as that allows the ones it had, because a
 * lane that moves has to roll its local store forward. Pure, so that every leader decides alike.
 */

export interface GroupMemberClaim {
  readonly id: string;
  /** Lanes that this member had in the former generation. */
  readonly former: readonly number[];
}

/** Lanes (ascending) by member id; members differ by at most one lane. */
export function assignLanes(
  lanes: number,
  members: readonly GroupMemberClaim[],
): ReadonlyMap<string, readonly number[]> {
  const sorted = [...members].sort((a, b) => (a.id < b.id ? -1 : 1));
  const assigned = new Map<string, number[]>(sorted.map(({ id }) => [id, []]));
  const free = keepFormer(lanes, sorted, assigned);
  for (const lane of free) leastLoaded(assigned).push(lane);
  for (const own of assigned.values()) own.sort((a, b) => a - b);
  return assigned;
}

/** Gives members what they had, up to their share; returns the lanes that are left. */
function keepFormer(
  lanes: number,
  members: readonly GroupMemberClaim[],
  assigned: ReadonlyMap<string, number[]>,
): number[] {
  const free = new Set(Array.from({ length: lanes }, (_, lane) => lane));
  const share = Math.floor(lanes / Math.max(members.length, 1));
  let extra = lanes - share * members.length;
  for (const { id, former } of members) {
    const own = assigned.get(id) ?? [];
    for (const lane of former) {
      if (!free.has(lane) || own.length > share || (own.length === share && extra === 0)) continue;
      if (own.length === share) extra -= 1;
      free.delete(lane);
      own.push(lane);
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
