import { describeLogContract } from '@headwater/testing';
import { createMemoryLog } from './log.ts';

/** All logs of the contract share what a cluster would hold. */
const shared = createMemoryLog();

describeLogContract('the log in memory', {
  openLog: () => ({ ...bound(), close: async () => undefined }),
});

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
