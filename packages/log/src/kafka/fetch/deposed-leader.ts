/**
 * A deposed leader that is cut off from the other brokers, but not from this process, reports ends that are too low
 * and later positions as out of range. Such a response counts only after repeated attempts with fresh metadata.
 */
import { isOutOfRange } from '../client/failures.ts';
import type { Cluster } from '../client/kafkajs.ts';

/** Together these last longer than the detection of a lost broker (`broker.session.timeout.ms`, 9 s). */
export const staleLeaderAttempts = 8;

/** False with a single broker. */
export function hasOtherLeaders(cluster: Cluster): boolean {
  return (cluster as Cluster & { getNodeIds?(): readonly string[] }).getNodeIds?.().length !== 1;
}

export function mayBeDeposed(cluster: Cluster, thrown: unknown): boolean {
  return isOutOfRange(thrown) && hasOtherLeaders(cluster);
}
