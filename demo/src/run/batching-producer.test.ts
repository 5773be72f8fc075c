import { HeadwaterError } from '@headwater/errors';
import type { LogProducer, OutgoingRecord } from '@headwater/log';
import { describe, expect, it } from 'vitest';
import { createBatchingProducer } from './batching-producer.ts';

/** A producer whose sends end when the test says so. */
function createSlowProducer() {
  const sends: { readonly keys: unknown[]; readonly end: (error?: Error) => void }[] = [];
  let closed = false;
  const producer: LogProducer = {
    send: (records) =>
      new Promise((resolve, reject) => {
        sends.push({
          keys: records.map(({ key }) => key),
          end: (error) => (error ? reject(error) : resolve()),
        });
      }),
    async close() {
      closed = true;
    },
  };
  return { producer, sends, isClosed: () => closed };
}

const record = (key: string): OutgoingRecord => ({ topic: 't', key, value: null });
const turn = () => new Promise(setImmediate);

describe('a coalescer', () => {
  it('batches records of one turn, and records that arrive during a send', async () => {
    const { producer, sends } = createSlowProducer();
    const coalescer = createBatchingProducer(producer);
    const first = [coalescer.send(record('a')), coalescer.send(record('b'))];
    await turn();
    const later = [coalescer.send(record('c')), coalescer.send(record('d'))];
    await turn();
    expect(sends.map(({ keys }) => keys)).toEqual([['a', 'b']]);
    sends[0]?.end();
    await Promise.all(first);
    await turn();
    expect(sends.map(({ keys }) => keys)).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    sends[1]?.end();
    await Promise.all(later);
  });

  it('rejects every record of a failed send, and sends the next batch', async () => {
    const { producer, sends } = createSlowProducer();
    const coalescer = createBatchingProducer(producer);
    const failed = coalescer.send(record('a'));
    await turn();
    const fine = coalescer.send(record('b'));
    sends[0]?.end(new HeadwaterError('log-unavailable', 'away'));
    await expect(failed).rejects.toThrow('away');
    await turn();
    sends[1]?.end();
    await expect(fine).resolves.toBeUndefined();
  });

  it('sends the waiting records before it closes', async () => {
    const { producer, sends, isClosed } = createSlowProducer();
    const coalescer = createBatchingProducer(producer);
    const sent = coalescer.send(record('a'));
    const closing = coalescer.close();
    await turn();
    expect(isClosed()).toBe(false);
    sends[0]?.end();
    await Promise.all([sent, closing]);
    expect(isClosed()).toBe(true);
  });
});
