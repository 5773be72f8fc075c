import { HeadwaterError } from '@headwater/errors';
import type { OutgoingRecord } from '@headwater/log';
import { describe, expect, it } from 'vitest';
import { createSender, type SenderOptions } from './sender.ts';

const record = (key: string, bytes = 10): OutgoingRecord => ({ topic: 't', key, value: Buffer.alloc(bytes) });

/** A producer that answers when it is told to. */
function createSlowProducer() {
  const sends: { keys: unknown[]; settle: (error?: Error) => void }[] = [];
  let closed = false;
  return {
    sends,
    isClosed: () => closed,
    async send(records: readonly OutgoingRecord[]) {
      await new Promise<void>((resolve, reject) => {
        const settle = (error?: Error) => (error ? reject(error) : resolve());
        sends.push({ keys: records.map(({ key }) => key), settle });
      });
    },
    async close() {
      closed = true;
    },
  };
}

function open(options: Partial<SenderOptions> = {}) {
  const producer = createSlowProducer();
  const sender = createSender({ producer, maxPendingBytes: 1_000_000, timeoutMs: 60_000, ...options });
  return { producer, sender };
}

const turn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
const codeOf = (sent: Promise<void>) =>
  sent.then(
    () => 'sent',
    (error: HeadwaterError) => error.code,
  );

describe('the sender', () => {
  it('batches records that arrive during a send into the next one', async () => {
    const { producer, sender } = open();
    const sent = ['a', 'b'].map((key) => sender.send([record(key)]));
    await turn();
    sent.push(...['c', 'd', 'e'].map((key) => sender.send([record(key)])));
    await turn();
    producer.sends[0]?.settle();
    await turn();
    producer.sends[1]?.settle();
    await Promise.all(sent);
    expect(producer.sends.map(({ keys }) => keys)).toEqual([
      ['a', 'b'],
      ['c', 'd', 'e'],
    ]);
  });

  it('resolves no promise before its own batch is safe', async () => {
    const { producer, sender } = open({ maxBatchRecords: 1 });
    const settled: string[] = [];
    const sent = ['a', 'b'].map((key) => sender.send([record(key)]).then(() => settled.push(key)));
    await turn();
    expect(settled).toEqual([]);
    producer.sends[0]?.settle();
    await turn();
    expect(settled).toEqual(['a']);
    producer.sends[1]?.settle();
    await Promise.all(sent);
  });

  it('keeps its batches below their limits, and sends larger records alone', async () => {
    const { producer, sender } = open({ maxBatchBytes: 1_100 });
    const sizes = { a: 400, b: 400, c: 5_000, d: 400 };
    const sent = Object.entries(sizes).map(([key, bytes]) => sender.send([record(key, bytes)]));
    for (const index of [0, 1, 2]) {
      await turn();
      producer.sends[index]?.settle();
    }
    await Promise.all(sent);
    expect(producer.sends.map(({ keys }) => keys)).toEqual([['a', 'b'], ['c'], ['d']]);
  });

  it('rejects records beyond its limit, and accepts them later', async () => {
    const { producer, sender } = open({ maxPendingBytes: 2_500 });
    const first = sender.send([record('a', 2_000)]);
    expect(await codeOf(sender.send([record('b', 2_000)]))).toBe('overloaded');
    await turn();
    producer.sends[0]?.settle();
    await first;
    await turn();
    const second = sender.send([record('b', 2_000)]);
    await turn();
    producer.sends[1]?.settle();
    await expect(second).resolves.toBeUndefined();
  });

  it('fails no other record of a batch for one that is too large', async () => {
    const tooLarge = new HeadwaterError('record-too-large', 'too large');
    const { producer, sender } = open();
    const sent = ['a', 'big', 'c'].map((key) => codeOf(sender.send([record(key)])));
    await turn();
    producer.sends[0]?.settle(tooLarge);
    for (const index of [1, 2, 3]) {
      await turn();
      producer.sends[index]?.settle(producer.sends[index]?.keys.includes('big') ? tooLarge : undefined);
    }
    expect(await Promise.all(sent)).toEqual(['sent', 'record-too-large', 'sent']);
  });

  it('rejects records while the log does not respond', async () => {
    const { producer, sender } = open({ timeoutMs: 250, maxBatchRecords: 1 });
    const [first, queued] = ['a', 'b'].map((key) => codeOf(sender.send([record(key)])));
    expect(await first).toBe('log-unavailable');
    expect(await queued).toBe('log-unavailable');
    expect(await codeOf(sender.send([record('c')]))).toBe('log-unavailable');
    expect(producer.sends.length).toBe(1);
    producer.sends[0]?.settle();
    await turn();
    const after = codeOf(sender.send([record('d')]));
    await turn();
    producer.sends[1]?.settle();
    expect(await after).toBe('sent');
  });

  it('keeps no record in its queue beyond the timeout, however slow the log is', async () => {
    let now = 0;
    const { producer, sender } = open({ timeoutMs: 60_000, maxBatchRecords: 1, now: () => now });
    const [first, second, third] = ['a', 'b', 'c'].map((key) => codeOf(sender.send([record(key)])));
    await turn();
    now = 50_000;
    producer.sends[0]?.settle();
    await turn();
    const young = codeOf(sender.send([record('d')]));
    now = 70_000;
    producer.sends[1]?.settle();
    expect([await first, await second, await third]).toEqual(['sent', 'sent', 'log-unavailable']);
    await turn();
    producer.sends[2]?.settle();
    expect(await young).toBe('sent');
    expect(producer.sends.map(({ keys }) => keys)).toEqual([['a'], ['b'], ['d']]);
  });

  it('closes in time when the log does not respond', async () => {
    const { producer, sender } = open();
    const sent = codeOf(sender.send([record('a')]));
    await sender.close(20);
    expect(await sent).toBe('log-unavailable');
    expect(await codeOf(sender.send([record('b')]))).toBe('log-unavailable');
    expect(producer.isClosed()).toBe(true);
  });

  it('closes the producer after the last batch', async () => {
    const { producer, sender } = open();
    const sent = sender.send([record('a')]);
    const closed = sender.close(60_000);
    await turn();
    expect(producer.isClosed()).toBe(false);
    producer.sends[0]?.settle();
    await Promise.all([sent, closed]);
    expect(producer.isClosed()).toBe(true);
  });
});
