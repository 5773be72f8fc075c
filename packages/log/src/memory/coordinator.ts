/** Group members in memory, and the assignment of partitions when members join and leave. */
import type { GroupMemberDescription } from '../api.ts';
import { assignPartitions } from '../partitions/partition-assignment.ts';

export interface CoordinatedMember {
  readonly id: string;
  readonly address: string | undefined;
  former: readonly number[];
  stored(): ReadonlyMap<number, bigint>;
  joined(partitions: readonly number[], kept: readonly number[]): void;
}

export class MemoryCoordinator {
  readonly #groups = new Map<string, { partitions: number; members: CoordinatedMember[] }>();

  join(name: string, partitions: number, member: CoordinatedMember): void {
    const group = this.#groups.get(name) ?? { partitions, members: [] };
    group.members.push(member);
    this.#groups.set(name, group);
    this.#rebalance(name);
  }

  leave(name: string, member: CoordinatedMember): void {
    const group = this.#groups.get(name);
    if (group === undefined || !group.members.includes(member)) return;
    group.members = group.members.filter((other) => other !== member);
    if (group.members.length === 0) this.#groups.delete(name);
    else this.#rebalance(name);
  }

  members(name: string): GroupMemberDescription[] {
    const members = this.#groups.get(name)?.members ?? [];
    return members.map(({ id, address, former }) => ({ id, address, partitions: former }));
  }

  #rebalance(name: string): void {
    const group = this.#groups.get(name);
    if (group === undefined) return;
    const claims = group.members.map((member) => ({
      id: member.id,
      former: member.former,
      stored: member.stored(),
    }));
    const assignment = assignPartitions(group.partitions, claims);
    for (const member of group.members) {
      const { former } = member;
      member.former = assignment.get(member.id) ?? [];
      member.joined(
        member.former,
        member.former.filter((partition) => former.includes(partition)),
      );
    }
  }
}
