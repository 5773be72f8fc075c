/** Warns at start of topics with too few replicas. The service starts nevertheless. */
import { findReplicationGaps, internalTopics, type LogAdmin, type Logger } from '@headwater/log';

/** Never rejects: without permission to read the replication, it logs nothing. Omits missing topics. */
export async function warnOfReplication(
  admin: LogAdmin,
  topics: Iterable<string>,
  logger: Logger,
): Promise<void> {
  try {
    const found = await admin.replication([...internalTopics, ...topics]);
    for (const { remedy, ...gap } of findReplicationGaps(found)) {
      logger.warn(
        { ...gap, brokers: found.brokers },
        `topic ${gap.topic} may lose acknowledged records when a broker fails: ${remedy}`,
      );
    }
  } catch (error) {
    logger.debug({ error }, 'cannot read the replication of topics');
  }
}
