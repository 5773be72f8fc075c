import { createLatch, createRandom } from '@headwater/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openProducers, type ProducerFixture, record } from './testing/open-producers.ts';
import type { ProducedBatch } from './testing/produced-batch.ts';

async function open(options: Parameters<typeof openProducers>[0] = {}) {
  const fixture = await openProducers(options);
  const producer = await fixture.producers.openIdempotent();
  onTestFinished(() => producer.close());
  return { ...fixture, producer };
}

/** Batches of a partition that the brokers received. */
const arrivalsAt = ({ cluster }: Pick<ProducerFixture, 'cluster'>, partition: number) =>
  cluster.arrivals.filter((batch) => batch.partition === partition);

/** Reacts to the first batch of a partition, and appends all others. */
function firstAt(
  partition: number,
  react: (batch: ProducedBatch) => ReturnType<ProducerFixture['cluster']['react']>,
) {
  let isFirst = true;
  return (_node: number, batch: ProducedBatch) => {
    if (batch.partition !== partition || !isFirst) return 'append' as const;
    isFirst = false;
    return react(batch);
  };
}

describe('a partition whose leader moves', () => {
  it('is written to its new leader after that broker acknowledged another partition of the send', async () => {
    const fixture = await open();
    const { cluster, producer } = fixture;
    await producer.send([record('before', 0), record('before', 1)]);
    // Broker 1 loses partition 1 to broker 0, which acknowledges its own partition meanwhile.
    const acknowledged = createLatch();
    cluster.react = async (node, batch) => {
      if (batch.partition === 0) acknowledged.open();
      if (node === 0) return 'append';
      await acknowledged.opened;
      cluster.lead('t', 1, 0);
      return { error: 'NOT_LEADER_FOR_PARTITION' };
    };
    await producer.send([record('a', 0), record('b', 1)]);
    expect(cluster.values('t', 0)).toEqual(['before', 'a']);
    expect(cluster.values('t', 1)).toEqual(['before', 'b']);
    expect(fixture.events.moves).toEqual([{ topic: 't', partition: 1 }]);
  });

  it('is retried while another broker is slow, whose batch is sent once', async () => {
    const fixture = await open();
    const { cluster, producer } = fixture;
    const slow = createLatch();
    let refusals = 0;
    cluster.react = async (_node, batch) => {
      if (batch.partition === 0) await slow.opened;
      else if (refusals === 0) {
        refusals += 1;
        return { error: 'NOT_LEADER_FOR_PARTITION' };
      } else slow.open();
      return 'append';
    };
    await producer.send([record('a', 0), record('b', 1)]);
    expect([cluster.values('t', 0), cluster.values('t', 1)]).toEqual([['a'], ['b']]);
    expect(arrivalsAt(fixture, 0)).toHaveLength(1);
    expect(arrivalsAt(fixture, 1)).toHaveLength(2);
  });

  it('is written once when its deposed leader does not respond', async () => {
    const fixture = await open({ requestTimeoutMs: 300 });
    const { cluster, producer } = fixture;
    cluster.react = firstAt(1, () => {
      cluster.lead('t', 1, 0);
      return { lost: 'silent', written: false };
    });
    await producer.send([record('a', 1)]);
    expect(cluster.values('t', 1)).toEqual(['a']);
    expect(arrivalsAt(fixture, 1).map(({ node }) => node)).toEqual([1, 0]);
  });
});

describe('a batch whose response is lost', () => {
  it.each(['closed', 'silent'] as const)('is sent again as the same bytes (connection %s)', async (lost) => {
    const fixture = await open({ requestTimeoutMs: 300 });
    const { cluster, producer, events } = fixture;
    cluster.react = firstAt(0, () => ({ lost, written: true }));
    await producer.send([record('a'), record('b')]);
    await producer.send([record('c')]);
    expect(cluster.values('t', 0)).toEqual(['a', 'b', 'c']);
    const [first, second] = arrivalsAt(fixture, 0);
    expect(second?.bytes).toEqual(first?.bytes);
    expect(events.retries).toEqual(['connection']);
  });

  it('is sent again only after its connection was closed', async () => {
    const { cluster, producer } = await open({ requestTimeoutMs: 300 });
    cluster.react = firstAt(0, () => ({ lost: 'silent', written: false }));
    const sends = ['a', 'b', 'c'].map((value) => producer.send([record(value)]));
    await Promise.all(sends);
    expect(cluster.values('t', 0)).toEqual(['a', 'b', 'c']);
  });
});

describe('an error of one partition', () => {
  it('does not resend other partitions', async () => {
    const fixture = await open({ nodes: 1, partitions: 3 });
    const { cluster, producer } = fixture;
    cluster.react = firstAt(1, () => ({ error: 'NOT_ENOUGH_REPLICAS' }));
    await producer.send([record('a', 0), record('b', 1), record('c', 2)]);
    expect([0, 1, 2].map((partition) => arrivalsAt(fixture, partition).length)).toEqual([1, 2, 1]);
    expect([0, 1, 2].map((partition) => cluster.values('t', partition))).toEqual([['a'], ['b'], ['c']]);
  });

  it.each(['NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'REQUEST_TIMED_OUT'] as const)(
    'keeps the sequence number when it is %s',
    async (error) => {
      const fixture = await open();
      const { cluster, producer } = fixture;
      cluster.react = firstAt(0, () => ({ error, written: true }));
      await producer.send([record('a')]);
      await producer.send([record('b')]);
      expect(cluster.values('t', 0)).toEqual(['a', 'b']);
      expect(arrivalsAt(fixture, 0).map(({ sequence }) => sequence)).toEqual([0, 0, 1]);
    },
  );

  it('counts as success when it is DUPLICATE_SEQUENCE_NUMBER', async () => {
    const fixture = await open();
    const { cluster, producer } = fixture;
    cluster.react = firstAt(0, () => ({ error: 'DUPLICATE_SEQUENCE_NUMBER', written: true }));
    await producer.send([record('a')]);
    expect(arrivalsAt(fixture, 0)).toHaveLength(1);
  });

  it.each(['OUT_OF_ORDER_SEQUENCE_NUMBER', 'UNKNOWN_PRODUCER_ID'] as const)(
    'rejects a batch in doubt when it is %s, and replaces the producer id',
    async (error) => {
      const fixture = await open();
      const { cluster, producer } = fixture;
      let batches = 0;
      cluster.react = () => {
        batches += 1;
        if (batches === 1) return { lost: 'closed', written: true };
        return batches === 2 ? { error } : 'append';
      };
      await expect(producer.send([record('a')])).rejects.toMatchObject({ code: 'log-unavailable' });
      await producer.send([record('b')]);
      expect(cluster.values('t', 0)).toEqual(['a', 'b']);
      const ids = arrivalsAt(fixture, 0).map(({ producerId }) => producerId);
      expect(ids[1]).toBe(ids[0]);
      expect(ids[2]).not.toBe(ids[0]);
    },
  );

  it('splits a too large batch and rejects only the too large record', async () => {
    const { cluster, producer } = await open();
    const first = createLatch();
    cluster.react = async (_node, { bytes }) => {
      if (bytes.includes('first')) await first.opened;
      return bytes.includes('large') ? { error: 'MESSAGE_TOO_LARGE' } : 'append';
    };
    const sends = ['first', 'a', 'large', 'b', 'c'].map((value) => producer.send([record(value)]));
    first.open();
    const results = await Promise.allSettled(sends);
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
    expect(results[2]).toMatchObject({ reason: { code: 'record-too-large' } });
    expect(cluster.values('t', 0)).toEqual(['first', 'a', 'b', 'c']);
  });
});

describe('a partition that cannot be written', () => {
  it('does not block others, is reported, and fails after the deadline', async () => {
    const { cluster, producer, writes } = await open({ deliverMs: 600 });
    cluster.lead('t', 1, -1);
    const blocked = producer.send([record('a', 1)]);
    blocked.catch(() => undefined);
    await producer.send([record('b', 0)]);
    await expect(blocked).rejects.toMatchObject({ code: 'log-unavailable', verdict: 'retry' });
    expect(writes.blocked()?.reason).toBe('LEADER_NOT_AVAILABLE on t-1');
    cluster.lead('t', 1, 0);
    await producer.send([record('c', 1)]);
    expect(writes.blocked()).toBeUndefined();
    expect(cluster.values('t', 1)).toEqual(['c']);
  });

  it('fails when the producer closes', async () => {
    const { cluster, producer } = await open();
    cluster.lead('t', 1, -1);
    const blocked = producer.send([record('a', 1)]);
    blocked.catch(() => undefined);
    await producer.close();
    await expect(blocked).rejects.toMatchObject({ code: 'log-unavailable' });
  });
});

it('waits for the throttle time of a broker', async () => {
  const fixture = await open();
  const { cluster, producer } = fixture;
  cluster.throttleMs = 150;
  await producer.send([record('a')]);
  await producer.send([record('b')]);
  const [first, second] = arrivalsAt(fixture, 0);
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(145);
});

it('keeps the order of each caller and writes every record once under random failures', async () => {
  const { cluster, producer } = await open({ nodes: 3, partitions: 3, requestTimeoutMs: 400 });
  const random = createRandom(5);
  cluster.react = (_node, batch) => {
    const dice = random();
    if (dice < 0.5) return 'append';
    if (dice < 0.6) cluster.lead('t', batch.partition, Math.floor(random() * 3));
    if (dice < 0.65) return { lost: 'closed', written: random() < 0.5 };
    return dice < 0.66 ? { lost: 'silent', written: true } : { error: 'NOT_LEADER_FOR_PARTITION' };
  };
  const values = Array.from({ length: 120 }, (_, index) => index);
  await Promise.all(values.map((index) => producer.send([record(`v${index}`, index % 3)])));
  for (const partition of [0, 1, 2]) {
    const expected = values.filter((index) => index % 3 === partition).map((index) => `v${index}`);
    expect(cluster.values('t', partition)).toEqual(expected);
  }
});
