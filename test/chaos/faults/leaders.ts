/** Other replicas lead: an operator balances a cluster, or a preferred leader takes over again. No broker goes away. */
import { moveLeaders } from '@headwater/local-kafka';
import type { Random } from '../random.ts';
import { type Fault, settleCluster } from './fault.ts';

const patienceMs = 60_000;
const internalTopics = ['__consumer_offsets', '__transaction_state'];

/** `index` counts the faults of this kind: every other one moves the coordinators, too. */
export function createLeaderMove(random: Random, index: number): Fault {
  const steadyMs = random.integer(1_000, 3_000);
  const hasCoordinators = index % 2 === 0;
  return {
    kind: 'leaders',
    spreadMs: steadyMs,
    strike: (scene, struck) =>
      scene.alone('broker', async () => {
        const { cluster, signal } = scene;
        const topics = hasCoordinators ? [...scene.topics, ...internalTopics] : scene.topics;
        struck(`other brokers lead all partitions${hasCoordinators ? ', and coordinate all groups' : ''}`);
        await cluster.ask((port) => moveLeaders(port, topics), signal, patienceMs);
        await settleCluster(scene, steadyMs);
      }),
  };
}
