import { describeLogContract } from '@headwater/testing';
import { createMemoryLog } from './log.ts';

/** The cluster that all logs of the contract share. */
const shared = createMemoryLog();

describeLogContract('the log in memory', () => ({ ...bound(), close: async () => undefined }));

function bound() {
  return {
    kind: shared.kind,
    admin: shared.admin,
    blocked: shared.blocked.bind(shared),
    openProducer: shared.openProducer.bind(shared),
    openTransactions: shared.openTransactions.bind(shared),
    openPartitionGroup: shared.openPartitionGroup.bind(shared),
    follow: shared.follow.bind(shared),
    read: shared.read.bind(shared),
  };
}
