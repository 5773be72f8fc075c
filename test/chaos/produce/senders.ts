/**
 * Senders that never repeat a call: each awaits an acknowledgement before its next call, so its order is
 * defined.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log, LogProducer, LogTransactions, OutgoingRecord } from '@headwater/log';
import { createRandom, type Random } from '../random.ts';
import { type Ledger, numberedValue } from './ledger.ts';

export interface SendersOptions {
  readonly log: Log;
  readonly ledger: Ledger;
  readonly seed: number;
  readonly idempotentTopic: string;
  readonly transactionalTopic: string;
  /** Of each topic. */
  readonly partitions: number;
  /** No call begins after it. */
  readonly end: AbortSignal;
}

const idempotentSenders = 24;
const transactionalSenders = 4;
/** Senders pause, since brokers need the processor too. */
const idempotentPauseMs = { least: 10, most: 60 };
const transactionalPauseMs = { least: 20, most: 120 };
const reopenPauseMs = 200;

/** Resolves after `end`, when each call has settled. */
export async function runSenders(options: SendersOptions): Promise<void> {
  const producer = await options.log.openProducer();
  const names = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, index) => `${prefix}${index}`);
  await Promise.all([
    ...names('i', idempotentSenders).map((name) => sendIdempotent(options, producer, name)),
    ...names('t', transactionalSenders).map((name) => sendTransactions(options, name)),
  ]);
  await producer.close();
}

async function sendIdempotent(options: SendersOptions, producer: LogProducer, sender: string): Promise<void> {
  const { ledger, seed, idempotentTopic, end } = options;
  const random = createRandom(seed, sender);
  while (!end.aborted) {
    const count = random.integer(1, 6);
    const first = ledger.take(sender, count);
    const records = recordsOf(options, idempotentTopic, { sender, first, count }, random);
    const isAcknowledged = await isResolved(producer.send(records));
    ledger.enter({ sender, first, count, isAcknowledged, isAtomic: false });
    await rest(random.integer(idempotentPauseMs.least, idempotentPauseMs.most), end);
  }
}

/** Reopens the same id after a commit of unknown outcome, which settles it. */
async function sendTransactions(options: SendersOptions, sender: string): Promise<void> {
  const { log, ledger, seed, transactionalTopic, end } = options;
  const random = createRandom(seed, sender);
  let transactions: LogTransactions | undefined;
  while (!end.aborted) {
    transactions ??= await log.openTransactions(`trial-${sender}`).catch(() => undefined);
    if (transactions === undefined) {
      await rest(reopenPauseMs, end);
      continue;
    }
    const count = random.integer(10, 50);
    const first = ledger.take(sender, count);
    const records = recordsOf(options, transactionalTopic, { sender, first, count }, random);
    const isAcknowledged = await isResolved(transactions.commit(records));
    ledger.enter({ sender, first, count, isAcknowledged, isAtomic: true });
    if (!isAcknowledged) {
      await transactions.close();
      transactions = undefined;
    }
    await rest(random.integer(transactionalPauseMs.least, transactionalPauseMs.most), end);
  }
  await settle(log, `trial-${sender}`, transactions);
}

/** Readers wait for an open transaction: reopens the id where the last outcome is unknown. */
async function settle(log: Log, id: string, transactions: LogTransactions | undefined): Promise<void> {
  const opened = transactions ?? (await log.openTransactions(id));
  await opened.close();
}

function recordsOf(
  { partitions }: SendersOptions,
  topic: string,
  { sender, first, count }: { readonly sender: string; readonly first: number; readonly count: number },
  random: Random,
): OutgoingRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    topic,
    partition: random.integer(0, partitions - 1),
    key: sender,
    value: numberedValue(sender, first + index),
  }));
}

function isResolved(call: Promise<void>): Promise<boolean> {
  return call.then(
    () => true,
    () => false,
  );
}

/** Ends early with the signal. */
function rest(ms: number, end: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal: end }).catch(() => undefined);
}
