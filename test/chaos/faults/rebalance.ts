/** A third process joins its group in the middle of the work, and leaves it again in order. */
import type { Random } from '../random.ts';
import { type Fault, inSeconds, pause } from './fault.ts';

export function createRebalance(random: Random): Fault {
  const service = random.pick(['extract', 'classify'] as const);
  const staysMs = random.integer(500, 4_000);
  return {
    kind: 'rebalance',
    async strike({ site, signal }, struck) {
      while (site.isAwaited) await pause(100, signal);
      const third = await site.add(service);
      third.isTaken = true;
      struck(`${third.name} joins, and leaves after ${inSeconds(staysMs)}`);
      await third.start();
      await pause(staysMs, signal);
      const code = await third.stop();
      site.services.splice(site.services.indexOf(third), 1);
      if (code !== 0) throw new Error(`${third.name} ended with ${code} after SIGTERM`);
    },
  };
}
