import { describe, expect, it, onTestFinished } from 'vitest';
import type { TransactionRequest } from './testing/fake-transactions.ts';
import { openProducers, record } from './testing/open-producers.ts';

async function open(options: Parameters<typeof openProducers>[0] = {}) {
  const fixture = await openProducers(options);
  const openId = async () => {
    const id = { transactionalId: 'tx', group: 'g', partition: 0 };
    const transactions = await fixture.producers.openTransactional(id);
    onTestFinished(() => transactions.close());
    return transactions;
  };
  return { ...fixture, openId, transactions: await openId() };
}

const positions = new Map([['t', 5n]]);

describe('a transaction', () => {
  it('adds partitions and offsets, writes, commits offsets and ends, in this order', async () => {
    const { cluster, transactions } = await open();
    await transactions.commit([record('a', 0), record('b', 1)], positions);
    expect([cluster.values('t', 0), cluster.values('t', 1)]).toEqual([['a'], ['b']]);
    const asked = cluster.transactions.requests.filter((request) => request !== 'FindCoordinator');
    expect(asked).toEqual([
      'InitProducerId',
      'AddPartitionsToTxn',
      'AddOffsetsToTxn',
      'TxnOffsetCommit',
      'EndTxn',
    ]);
  });

  it('writes each partition once when one leader moves and another is slow', async () => {
    const { cluster, transactions } = await open();
    let refusals = 0;
    cluster.react = (_node, { partition }) => {
      if (partition === 0 || refusals > 0) return 'append';
      refusals += 1;
      cluster.lead('t', 1, 0);
      return { error: 'NOT_LEADER_FOR_PARTITION' };
    };
    await transactions.commit([record('a', 0), record('b', 1)], positions);
    expect([cluster.values('t', 0), cluster.values('t', 1)]).toEqual([['a'], ['b']]);
  });

  it.each([
    ['AddPartitionsToTxn', 'CONCURRENT_TRANSACTIONS'],
    ['AddOffsetsToTxn', 'CONCURRENT_TRANSACTIONS'],
    ['AddPartitionsToTxn', 'NOT_COORDINATOR'],
    ['TxnOffsetCommit', 'NOT_COORDINATOR'],
    ['TxnOffsetCommit', 'COORDINATOR_LOAD_IN_PROGRESS'],
    ['EndTxn', 'NOT_COORDINATOR'],
    ['EndTxn', 'COORDINATOR_NOT_AVAILABLE'],
    ['EndTxn', 'closed'],
    ['FindCoordinator', 'COORDINATOR_NOT_AVAILABLE'],
  ] as const)('asks again where %s meets %s', async (request, reaction) => {
    const { cluster, transactions } = await open();
    let failures = 0;
    cluster.transactions.react = (asked) => {
      if (asked !== request || failures === 3) return undefined;
      failures += 1;
      return reaction;
    };
    await transactions.commit([record('a')], positions);
    expect(cluster.values('t', 0)).toEqual(['a']);
    expect(failures).toBe(3);
  });
});

describe('an unknown outcome', () => {
  const unanswered: readonly TransactionRequest[] = ['AddPartitionsToTxn', 'TxnOffsetCommit', 'EndTxn'];

  it.each(unanswered)('ends the producer when %s gets no response', async (request) => {
    const fixture = await open({ requestTimeoutMs: 100, deliverMs: 300 });
    const { cluster, transactions, events } = fixture;
    cluster.transactions.react = (asked) => (asked === request ? 'silent' : undefined);
    await expect(transactions.commit([record('a')], positions)).rejects.toMatchObject({
      code: 'log-commit-unknown',
    });
    expect(events.unknown).toHaveLength(1);
    cluster.transactions.react = () => undefined;
    const before = cluster.arrivals.length;
    await expect(transactions.commit([record('b')], positions)).rejects.toMatchObject({
      code: 'log-commit-unknown',
    });
    expect(cluster.arrivals).toHaveLength(before);
    await (await fixture.openId()).commit([record('c')], positions);
    expect(cluster.arrivals.at(-1)).toMatchObject({ epoch: 1, sequence: 0 });
  });

  it('results from an unacknowledged batch after all other batches were acknowledged', async () => {
    const { cluster, transactions } = await open({ deliverMs: 300 });
    cluster.lead('t', 1, -1);
    await expect(transactions.commit([record('a', 0), record('b', 1)], positions)).rejects.toMatchObject({
      code: 'log-commit-unknown',
    });
    expect(cluster.transactions.requests).not.toContain('EndTxn');
  });

  it('is log-fenced when a later owner has opened the id', async () => {
    const { cluster, transactions } = await open();
    cluster.transactions.react = (request) => (request === 'EndTxn' ? 'PRODUCER_FENCED' : undefined);
    await expect(transactions.commit([record('a')], positions)).rejects.toMatchObject({ code: 'log-fenced' });
  });
});

describe('a record that is too large', () => {
  it('moves the next transaction to a later epoch', async () => {
    const { cluster, transactions } = await open();
    cluster.react = (_node, { bytes }) =>
      bytes.includes('large') ? { error: 'MESSAGE_TOO_LARGE' } : 'append';
    await expect(transactions.commit([record('large')], positions)).rejects.toMatchObject({
      code: 'record-too-large',
    });
    await transactions.commit([record('a')], positions);
    expect(cluster.arrivals.map(({ epoch }) => epoch)).toEqual([0, 1]);
    expect(cluster.values('t', 0)).toEqual(['a']);
  });

  it('does not fence a later owner', async () => {
    const fixture = await open();
    const { cluster, transactions } = fixture;
    const successor = await fixture.openId();
    cluster.react = (_node, { bytes }) =>
      bytes.includes('large') ? { error: 'MESSAGE_TOO_LARGE' } : 'append';
    await expect(transactions.commit([record('large')], positions)).rejects.toMatchObject({
      code: 'log-commit-unknown',
    });
    expect(cluster.transactions.identity.epoch).toBe(1);
    await successor.commit([record('a')], positions);
    expect(cluster.arrivals.at(-1)).toMatchObject({ epoch: 1 });
  });
});
