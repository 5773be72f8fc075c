/** What a service says at its start of topics that a cluster replicates too little. It starts all the same: an operator decides. */
import type { LogAdmin, Logger } from '@headwater/log';
import { findReplicationGaps, internalTopics } from '@headwater/log';

/** Never rejects: where it may not look, there is nothing to warn of. Topics that do not exist yet are left out. */
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
    logger.debug({ error }, 'the replication of topics cannot be read');
  }
}
