/** The completed group membership of kafkajs, over a coordinator that records requests. */
import { expect, it, vi } from 'vitest';
import { completeConsumerGroup } from './consumer-group.ts';

/** The part of kafkajs' consumer group that is completed. */
class Original {
  readonly cluster: { findGroupCoordinator(options: object): Promise<object>; isUsed?: boolean };
  instrumentationEmitter: { emit(event: string, payload?: object): void };
  memberId: string | null = 'member';
  generationId = 7;
  left = false;

  constructor(options: Pick<Original, 'cluster' | 'instrumentationEmitter'>) {
    this.cluster = options.cluster;
    this.instrumentationEmitter = options.instrumentationEmitter;
  }

  async leave(): Promise<void> {
    this.left = true;
  }
}

function openGroup(instanceId: string | undefined) {
  const sent: object[] = [];
  const lookupRequest = (apiKey: number) => (request: object) => sent.push({ apiKey, ...request });
  const broker = { lookupRequest };
  const cluster: Original['cluster'] = { findGroupCoordinator: async () => broker };
  const emit = vi.fn();
  const Completed = completeConsumerGroup(Original as never);
  const options = { cluster, assigners: [{ instanceId }], instrumentationEmitter: { emit } };
  const group = new Completed(options as never) as unknown as Original;
  const send = async (apiKey: number) => {
    const coordinator = (await group.cluster.findGroupCoordinator({})) as typeof broker;
    coordinator.lookupRequest(apiKey)({ memberId: 'member' });
  };
  return { group, cluster, sent, send, emit };
}

it('sends the group instance id with the requests of a static member, and does not leave', async () => {
  const { group, cluster, sent, send } = openGroup('pod-0');
  for (const apiKey of [11, 12, 14, 8]) await send(apiKey);
  expect(sent).toEqual([
    { apiKey: 11, memberId: 'member', groupInstanceId: 'pod-0' },
    { apiKey: 12, memberId: 'member', groupInstanceId: 'pod-0' },
    { apiKey: 14, memberId: 'member', groupInstanceId: 'pod-0' },
    { apiKey: 8, memberId: 'member' },
  ]);
  group.cluster.isUsed = true;
  expect(cluster.isUsed).toBe(true);
  await group.leave();
  expect(group).toMatchObject({ left: false, memberId: null });
});

it('leaves the requests of a dynamic member as they are', async () => {
  const { group, sent, send } = openGroup(undefined);
  await send(11);
  expect(sent).toEqual([{ apiKey: 11, memberId: 'member' }]);
  await group.leave();
  expect(group.left).toBe(true);
});

it('reports the generation with each event', () => {
  const { group, emit } = openGroup(undefined);
  group.instrumentationEmitter.emit('consumer.group_join', { memberId: 'member' });
  expect(emit).toHaveBeenCalledWith('consumer.group_join', { memberId: 'member', generationId: 7 });
});
