/** Kafka goes away and comes back, in order or not. */
import type { Random } from '../random.ts';
import { type Fault, inSeconds, pause } from './fault.ts';

/** `index` counts the faults of this kind: every other one is a kill. */
export function createBrokerRestart(random: Random, index: number): Fault {
  const isKilled = index % 2 === 0;
  const awayMs = random.integer(200, 4_000);
  const steadyMs = random.integer(4_000, 10_000);
  return {
    kind: 'broker',
    strike: (scene, struck) =>
      scene.alone('broker', async () => {
        struck(`Kafka is ${isKilled ? 'killed' : 'stopped'}, and started again after ${inSeconds(awayMs)}`);
        await (isKilled ? scene.broker.kill() : scene.broker.stop());
        await pause(awayMs, scene.signal);
        await scene.broker.start();
        // The next one waits for this long: a Kafka that is never there proves nothing.
        await pause(steadyMs, scene.signal);
      }),
  };
}
