/** All brokers are restarted one after the other, as an upgrade does: the next one when the one before is in sync again. */
import type { Random } from '../random.ts';
import { type Fault, settleCluster } from './fault.ts';

export function createRollingRestart(random: Random): Fault {
  const first = random.integer(0, 5);
  const steadyMs = random.integer(1_000, 4_000);
  return {
    kind: 'rolling',
    spreadMs: 40_000,
    strike: (scene, struck) =>
      scene.alone('broker', async () => {
        const { cluster } = scene;
        struck('all brokers are restarted, one after the other');
        for (const index of cluster.nodes.keys()) {
          const node = cluster.node(first + index);
          await node.stop();
          await cluster.startNode(node);
          await settleCluster(scene, steadyMs);
        }
      }),
  };
}
