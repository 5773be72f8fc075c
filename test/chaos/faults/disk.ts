/** The disk of a broker is full: its next write fails, it gives its log folder up and ends. It comes back where there is room. */
import { readFile } from 'node:fs/promises';
import type { LocalBroker } from '@headwater/local-kafka';
import type { Random } from '../random.ts';
import { type Fault, type FaultContext, inSeconds, pause, settleCluster } from './fault.ts';
import { limitFiles } from './limits.ts';

const patienceMs = 60_000;

export function createFullDisk(random: Random): Fault {
  const place = random.integer(0, 5);
  const fullMs = random.integer(3_000, 8_000);
  const steadyMs = random.integer(4_000, 10_000);
  return {
    kind: 'disk',
    spreadMs: fullMs + 8_000,
    strike: (scene, struck) =>
      scene.alone('broker', async () => {
        const node = scene.cluster.node(place);
        struck(`the disk of broker ${node.id} is full for ${inSeconds(fullMs)}`);
        const processes = await processesOf(node);
        for (const pid of processes) await limitFiles(pid, true);
        await pause(fullMs, scene.signal).finally(async () => {
          for (const pid of processes) await limitFiles(pid, false);
        });
        await restart(node, scene);
        await settleCluster(scene, steadyMs);
      }),
  };
}

/** A broker that has given up its folder needs a moment to end; one that had nothing to write goes on. */
async function restart(node: LocalBroker, { cluster, signal }: FaultContext): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (node.pid !== undefined && performance.now() < deadline) {
    const state = await cluster.describe([], signal, patienceMs).catch(() => undefined);
    if (state?.brokers.includes(node.id)) break;
    await pause(200, signal);
  }
  await node.kill();
  await cluster.startNode(node);
}

/** The broker itself is a child of the process that holds it. */
async function processesOf({ pid }: LocalBroker): Promise<number[]> {
  if (pid === undefined) return [];
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children
    .split(' ')
    .filter((text) => text !== '')
    .map(Number);
}
