/** Replication of topics, from the metadata and settings of the brokers. */
import type { ClusterReplication, TopicReplication } from '../../api.ts';
import { asLogError, rootOf } from '../client/failures.ts';
import type { Admin } from '../client/kafkajs.ts';

const topicResource = 2;
const setting = 'min.insync.replicas';

/** Omits missing topics. Errors: log-unavailable, log-forbidden. */
export async function readReplication(admin: Admin, topics: readonly string[]): Promise<ClusterReplication> {
  try {
    const { brokers } = await admin.describeCluster();
    const found = new Map<string, TopicReplication>();
    for (const topic of topics) {
      const replicas = await fewestReplicas(admin, topic);
      if (replicas === undefined) continue;
      found.set(topic, { replicas, minInsyncReplicas: await minInsyncReplicas(admin, topic) });
    }
    return { brokers: brokers.length, topics: found };
  } catch (thrown) {
    throw asLogError(thrown, 'reading the replication of topics');
  }
}

async function fewestReplicas(admin: Admin, topic: string): Promise<number | undefined> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    const counts = topics.flatMap(({ partitions }) => partitions.map(({ replicas }) => replicas.length));
    return counts.length === 0 ? undefined : Math.min(...counts);
  } catch (thrown) {
    if (asLogError(thrown, '').code === 'topic-missing') return undefined;
    throw thrown;
  }
}

/** undefined where ACLs forbid reading the setting. */
async function minInsyncReplicas(admin: Admin, topic: string): Promise<number | undefined> {
  try {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: topicResource, name: topic, configNames: [setting] }],
    });
    const value = resources[0]?.configEntries[0]?.configValue;
    return value === undefined ? undefined : Number(value);
  } catch (thrown) {
    if (rootOf(thrown).name === 'KafkaJSProtocolError') return undefined;
    throw thrown;
  }
}
