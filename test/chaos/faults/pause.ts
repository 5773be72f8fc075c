/** A process is held until others have its partitions, and wakes in the middle of what it did: a zombie. */
import { sessionTimeoutMs } from '../installation.ts';
import type { Random } from '../random.ts';
import { type Fault, inSeconds, pause, withTarget } from './fault.ts';

const members = ['extract-1', 'extract-2', 'classify-1', 'classify-2'];

export function createPause(random: Random): Fault {
  const names = random.shuffle(members);
  const heldMs = sessionTimeoutMs * (1.4 + random.next());
  return {
    kind: 'pause',
    strike: (scene, struck) =>
      withTarget(scene, names, async (target) => {
        struck(`${target.name} is held for ${inSeconds(heldMs)}`);
        target.send('SIGSTOP');
        try {
          await pause(heldMs, scene.signal);
        } finally {
          target.send('SIGCONT');
        }
      }),
  };
}
