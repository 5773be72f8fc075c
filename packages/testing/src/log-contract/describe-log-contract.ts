/**
 * The contract of `Log`. Each implementation runs these tests, so that results of tests on the memory log
 * hold on Kafka. This package imports only types of @headwater/log: loading its build would patch kafkajs twice.
 */
import type { Log } from '@headwater/log';
import { onTestFinished } from 'vitest';
import { describeFollowers } from './followers.ts';
import { describeIdleAndWake } from './idle-and-wake.ts';
import { describeProcessing } from './processing.ts';
import { describeReading } from './reading.ts';
import { describeRebalancing } from './rebalancing.ts';
import { describeTopics } from './topics.ts';
import { describeTransactions } from './transactions.ts';
import { describeVerdicts } from './verdicts.ts';

const themes = [
  describeTopics,
  describeReading,
  describeTransactions,
  describeFollowers,
  describeProcessing,
  describeIdleAndWake,
  describeVerdicts,
  describeRebalancing,
];

/** Runs all tests of the contract; `openLog` opens a log on the cluster that all logs of the test file share. */
export function describeLogContract(name: string, openLog: () => Log): void {
  const open = () => {
    const log = openLog();
    onTestFinished(() => log.close());
    return log;
  };
  for (const describeTheme of themes) describeTheme(name, open);
}
