/**
 * A leader that was deposed and has not heard of it, cut off from the others but not from us, ends where the log did then: it reports ends
 * that are too low, and positions beyond them as out of range. Only where that lasts, with leaders looked up anew each time, is it so.
 */
import { isOutOfRange } from '../client/failures.ts';
import type { Cluster } from '../client/kafkajs.ts';

/** Together longer than a broker takes to be noticed as gone (`broker.session.timeout.ms`, 9 s). */
export const looks = 8;

/** With one broker there is no other leader. */
export function hasOtherLeaders(cluster: Cluster): boolean {
  return (cluster as Cluster & { getNodeIds?(): readonly string[] }).getNodeIds?.().length !== 1;
}

export function mayBeDeposed(cluster: Cluster, thrown: unknown): boolean {
  return isOutOfRange(thrown) && hasOtherLeaders(cluster);
}
