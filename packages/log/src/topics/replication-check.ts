/**
 * Whether a cluster keeps what it acknowledges when a broker goes away. A topic with fewer replicas than this loses records without an error,
 * and an internal one loses the offsets of groups or the outcome of transactions.
 */
import type { ClusterReplication } from '../api.ts';

export const internalTopics = ['__consumer_offsets', '__transaction_state'] as const;

const fewestReplicas = 3;
const fewestInSync = 2;

export interface ReplicationGap {
  readonly topic: string;
  readonly replicas: number;
  /** undefined where the cluster does not say. */
  readonly minInsyncReplicas: number | undefined;
  /** What an operator does about it. */
  readonly remedy: string;
}

/** Topics that are replicated too little; none on a cluster of one broker, which cannot do better. */
export function findReplicationGaps({ brokers, topics }: ClusterReplication): ReplicationGap[] {
  if (brokers === 1) return [];
  return [...topics].flatMap(([topic, { replicas, minInsyncReplicas }]) => {
    const hasReplicas = replicas >= fewestReplicas;
    const hasInSync = minInsyncReplicas === undefined || minInsyncReplicas >= fewestInSync;
    if (hasReplicas && hasInSync) return [];
    return [{ topic, replicas, minInsyncReplicas, remedy: remedyOf(topic, hasReplicas) }];
  });
}

function remedyOf(topic: string, hasReplicas: boolean): string {
  if (hasReplicas) {
    return `kafka-configs.sh --alter --entity-type topics --entity-name ${topic} --add-config min.insync.replicas=${fewestInSync}`;
  }
  return `give it ${fewestReplicas} replicas with kafka-reassign-partitions.sh, then min.insync.replicas=${fewestInSync}`;
}
