/** A group member after kafkajs gives up: a restart of Kafka must not end the service. */
import { HeadwaterError } from '@headwater/errors';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { MemberListener } from '../../partitions/membership.ts';
import { createSilentLogger } from '../../silent-logger.ts';
import { KafkaMember, type KafkaMemberDependencies } from './kafka-member.ts';

type Listener = (event: { payload: object }) => void;

/** The part of kafkajs' consumer that the member uses. */
class ScriptedConsumer {
  readonly events = { GROUP_JOIN: 'join', CRASH: 'crash' };
  readonly #listeners = new Map<string, Listener>();
  readonly #failure: Error | undefined;
  disconnected = 0;

  constructor(failure?: Error) {
    this.#failure = failure;
  }

  on(event: string, listener: Listener): void {
    this.#listeners.set(event, listener);
  }

  async connect(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async subscribe(): Promise<void> {}

  async run(): Promise<void> {}

  pause(): void {}

  async disconnect(): Promise<void> {
    this.disconnected += 1;
  }

  join(partitions: readonly number[], membership: { memberId?: string; generationId?: number } = {}): void {
    const payload = { memberId: 'member', generationId: 1, ...membership };
    this.#listeners.get('join')?.({ payload: { ...payload, memberAssignment: { images: partitions } } });
  }

  crash(error: Error, restart: boolean): void {
    this.#listeners.get('crash')?.({ payload: { error, restart } });
  }
}

/** A member that uses these consumers in turn. */
function openMember(consumers: readonly ScriptedConsumer[]) {
  const left = [...consumers];
  const consumer = vi.fn(() => left.shift());
  const listener = { joined: vi.fn(), fetched: vi.fn(), failed: vi.fn() } satisfies MemberListener;
  const dependencies = { client: { consumer }, logger: createSilentLogger() };
  const options = { group: 'group', topics: ['images'], partitions: 4, sessionTimeoutMs: 1_000 };
  const member = new KafkaMember(options, listener, dependencies as unknown as KafkaMemberDependencies);
  onTestFinished(() => member.leave());
  return { member, listener, consumer };
}

const notFound = () =>
  Object.assign(new Error('Failed to find group coordinator'), { name: 'KafkaJSGroupCoordinatorNotFound' });

it('rejoins when kafkajs gives up after a transient failure', async () => {
  const consumers = [new ScriptedConsumer(), new ScriptedConsumer(notFound()), new ScriptedConsumer()];
  const { member, listener, consumer } = openMember(consumers);
  await member.start();
  consumers[0]?.join([0, 1, 2, 3]);
  consumers[0]?.crash(notFound(), false);
  await vi.waitFor(() => expect(consumer).toHaveBeenCalledTimes(3));
  consumers[2]?.join([0, 1], { memberId: 'again', generationId: 2 });
  expect(listener.joined.mock.calls).toEqual([
    [[0, 1, 2, 3], []],
    [[0, 1], []],
  ]);
  expect(listener.failed).not.toHaveBeenCalled();
  expect(consumers.map(({ disconnected }) => disconnected > 0)).toEqual([true, true, false]);
});

it('keeps the partitions that stay, if it was in the generation directly before', async () => {
  const consumer = new ScriptedConsumer();
  const { member, listener } = openMember([consumer]);
  await member.start();
  const joins = [
    { partitions: [0, 1, 2, 3], generationId: 4, kept: [] },
    { partitions: [0, 1], generationId: 5, kept: [0, 1] },
    { partitions: [1, 2], generationId: 6, kept: [1] },
    // A join that was repeated, since its response was lost.
    { partitions: [1, 2], generationId: 6, kept: [1, 2] },
    { partitions: [1, 2], generationId: 8, kept: [] },
    { partitions: [1, 2], generationId: 9, memberId: 'another', kept: [] },
    { partitions: [1, 2, 3], generationId: 10, memberId: 'another', kept: [1, 2] },
  ];
  for (const { partitions, kept: _, ...membership } of joins) consumer.join(partitions, membership);
  expect(listener.joined.mock.calls).toEqual(joins.map(({ partitions, kept }) => [partitions, kept]));
});

it('does not interfere when kafkajs restarts by itself', async () => {
  const consumers = [new ScriptedConsumer(), new ScriptedConsumer()];
  const { member, consumer } = openMember(consumers);
  await member.start();
  consumers[0]?.crash(new Error('the broker is gone'), true);
  expect(consumers[0]?.disconnected).toBe(0);
  expect(consumer).toHaveBeenCalledTimes(1);
});

it('fails after a permanent error, also at the second attempt', async () => {
  const forbidden = Object.assign(new Error('no'), { type: 'GROUP_AUTHORIZATION_FAILED' });
  const consumers = [new ScriptedConsumer(), new ScriptedConsumer(forbidden)];
  const { member, listener } = openMember(consumers);
  await member.start();
  consumers[0]?.crash(notFound(), false);
  await vi.waitFor(() => expect(listener.failed).toHaveBeenCalledTimes(1));
  expect(listener.failed.mock.calls[0]?.[0]).toBeInstanceOf(HeadwaterError);
  expect(listener.failed.mock.calls[0]?.[0]).toMatchObject({ code: 'log-forbidden', verdict: 'stop' });
});

it('does not rejoin after it has left', async () => {
  const consumers = [new ScriptedConsumer(), new ScriptedConsumer()];
  const { member, listener, consumer } = openMember(consumers);
  await member.start();
  consumers[0]?.crash(notFound(), false);
  await member.leave();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(consumer).toHaveBeenCalledTimes(1);
  expect(listener.failed).not.toHaveBeenCalled();
});
