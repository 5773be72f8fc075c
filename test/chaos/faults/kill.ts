/** A process ends without a word. Mostly it is back before anybody has noticed; at times others take over first. */
import { sessionTimeoutMs } from '../installation.ts';
import type { Random } from '../random.ts';
import { type Fault, inSeconds, withTarget } from './fault.ts';

const everyone = ['ingest-1', 'extract-1', 'extract-2', 'classify-1', 'classify-2'];

export function createKill(random: Random): Fault {
  const names = random.shuffle(everyone);
  const awayMs = random.chance(0.25) ? 1.5 * sessionTimeoutMs : random.integer(200, 1_500);
  return {
    kind: 'kill',
    strike: (scene, struck) =>
      withTarget(scene, names, async (target) => {
        struck(`${target.name} is killed, and started again after ${inSeconds(awayMs)}`);
        await target.kill(awayMs);
      }),
  };
}
