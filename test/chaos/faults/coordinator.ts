/** The broker that coordinates a group, or the transactions of one of its partitions, is killed: commits are under way there all the time. */
import { coordinatorOf } from '@headwater/local-kafka';
import { createNames } from '@headwater/log';
import { extractor } from '../installation.ts';
import type { Random } from '../random.ts';
import { type Fault, type FaultContext, inSeconds, pause, settleCluster } from './fault.ts';

const patienceMs = 60_000;
const partitions = 4;

/** `index` counts the faults of this kind: groups and transactions take turns. */
export function createCoordinatorKill(random: Random, index: number): Fault {
  const isGroup = index % 2 === 0;
  const isExtract = random.chance(0.5);
  const partition = random.integer(0, partitions - 1);
  const awayMs = random.integer(1_000, 6_000);
  const steadyMs = random.integer(4_000, 10_000);
  return {
    kind: 'coordinator',
    spreadMs: awayMs + 6_000,
    strike: (scene, struck) =>
      scene.alone('broker', async () => {
        const names = createNames({ groupPrefix: scene.prefix, transactionalIdPrefix: scene.prefix });
        const group = isExtract ? names.groups.extract(extractor) : names.groups.join;
        const name = isGroup ? group : names.transactionalId(group, partition);
        const node = await findCoordinator(scene, isGroup ? 'group' : 'transaction', name);
        struck(`broker ${node.id}, which coordinates ${name}, is killed for ${inSeconds(awayMs)}`);
        await node.kill();
        await pause(awayMs, scene.signal);
        await scene.cluster.startNode(node);
        await settleCluster(scene, steadyMs);
      }),
  };
}

async function findCoordinator(
  { cluster, signal }: FaultContext,
  kind: 'group' | 'transaction',
  name: string,
) {
  const id = await cluster.ask((port) => coordinatorOf(port, kind, name), signal, patienceMs);
  const node = cluster.nodes.find((one) => one.id === id);
  if (node === undefined) throw new Error(`${name} is coordinated by broker ${id}, which there is not`);
  return node;
}
