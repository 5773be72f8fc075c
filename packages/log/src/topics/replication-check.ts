/**
 * Checks that acknowledged records survive the loss of a broker. A topic with too few replicas loses records
 * without an error; an internal topic loses group offsets or transaction outcomes.
 */
import type { ClusterReplication } from '../api.ts';

export const internalTopics = ['__consumer_offsets', '__transaction_state'] as const;

const fewestReplicas = 3;
const fewestInSync = 2;

interface ReplicationGap {
  readonly topic: string;
  readonly replicas: number;
  /** undefined where the setting cannot be read. */
  readonly minInsyncReplicas: number | undefined;
  /** The command or step for the operator. */
  readonly remedy: string;
}

/** Topics with too few replicas; none on a cluster of one broker, which cannot have more. */
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
