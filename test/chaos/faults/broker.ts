/** A broker goes away and comes back, in order or not. */
import type { Random } from '../random.ts';
import { type Fault, inSeconds, pause, settleCluster } from './fault.ts';

/** `index` counts the faults of this kind: every other one is a kill. */
export function createBrokerRestart(random: Random, index: number): Fault {
  const isKilled = index % 2 === 0;
  const awayMs = random.integer(200, 4_000);
  const steadyMs = random.integer(4_000, 10_000);
  const place = random.integer(0, 5);
  return {
    kind: 'broker',
    spreadMs: awayMs + 4_000,
    strike: (scene, struck) =>
      scene.alone('broker', async () => {
        const node = scene.cluster.node(place);
        const how = isKilled ? 'killed' : 'stopped';
        struck(`broker ${node.id} is ${how}, and started again after ${inSeconds(awayMs)}`);
        await (isKilled ? node.kill() : node.stop());
        await pause(awayMs, scene.signal);
        await scene.cluster.startNode(node);
        await settleCluster(scene, steadyMs);
      }),
  };
}
