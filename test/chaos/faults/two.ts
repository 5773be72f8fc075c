/** Two brokers are killed at once: what is left is below min.insync.replicas and no quorum, so nothing may be acknowledged. */
import type { Random } from '../random.ts';
import { type Fault, inSeconds, pause, settleCluster } from './fault.ts';

export function createTwoKills(random: Random): Fault {
  const first = random.integer(0, 5);
  const awayMs = random.integer(2_000, 8_000);
  const steadyMs = random.integer(4_000, 10_000);
  return {
    kind: 'two',
    spreadMs: awayMs + 10_000,
    strike: (scene, struck) =>
      scene.alone('broker', async () => {
        const { cluster } = scene;
        const nodes = [...new Set([cluster.node(first), cluster.node(first + 1)])];
        const names = nodes.map(({ id }) => id).join(' and ');
        struck(`broker ${names} killed, and started again after ${inSeconds(awayMs)}`);
        await Promise.all(nodes.map((node) => node.kill()));
        await pause(awayMs, scene.signal);
        await Promise.all(nodes.map((node) => cluster.startNode(node)));
        await settleCluster(scene, steadyMs);
      }),
  };
}
