/** The network between the services and one broker: requests do not arrive, or answers do not, or all is slow. The brokers reach each other. */
import type { Random } from '../random.ts';
import { type Fault, inSeconds, pause, settleCluster } from './fault.ts';

const ways = ['responses', 'slow', 'requests'] as const;
const slowMs = 150;

/** `index` counts the faults of this kind: each way has its turn. */
export function createNetworkFault(random: Random, index: number): Fault {
  const way = ways[index % ways.length] ?? 'responses';
  const place = random.integer(0, 5);
  // Longer than the session time-out at times; after a cut, connections that wait for answers may be gone.
  const lastsMs = random.integer(1_500, 8_000);
  const isDropped = random.chance(0.5);
  const steadyMs = random.integer(2_000, 5_000);
  return {
    kind: 'network',
    spreadMs: lastsMs + 2_000,
    strike: (scene, struck) =>
      scene.alone('broker', async () => {
        const { id } = scene.cluster.node(place);
        const proxy = scene.cluster.proxy(place);
        const what = way === 'slow' ? 'the network is slow' : `no ${way} pass`;
        struck(`${what} between services and broker ${id} for ${inSeconds(lastsMs)}`);
        if (way === 'slow') proxy.slow(slowMs);
        else proxy.cut(way);
        await pause(lastsMs, scene.signal).finally(() => {
          if (way !== 'slow' && isDropped) proxy.drop();
          proxy.heal();
        });
        await settleCluster(scene, steadyMs);
      }),
  };
}
