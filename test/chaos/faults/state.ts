/** The folder of a process' own state: lost with the machine it was on, away while it starts, or full. */
import { rename, rm, writeFile } from 'node:fs/promises';
import type { Random } from '../random.ts';
import type { SupervisedProcess } from '../supervised.ts';
import { type Fault, type FaultContext, inSeconds, pause, withTarget } from './fault.ts';
import { limitFiles } from './limits.ts';

const ways = ['lost', 'full', 'away'] as const;

/** `index` counts the faults of this kind: each way has its turn. */
export function createStateFault(random: Random, index: number): Fault {
  const way = ways[index % ways.length] ?? 'lost';
  // That of classify is worth most; extract keeps only what it suspects of crashes.
  const names = [
    ...random.shuffle(['classify-1', 'classify-2']),
    ...random.shuffle(['extract-1', 'extract-2']),
  ];
  const lastsMs = random.integer(2_000, 6_000);
  return {
    kind: 'state',
    strike: (scene, struck) =>
      withTarget(scene, names, async (target) => {
        if (way === 'lost') {
          struck(`${target.name} is killed, its state is lost`);
          await target.kill(300, () => rm(scene.site.stateOf(target.name), { recursive: true, force: true }));
          return;
        }
        struck(`the state of ${target.name} is ${way} for ${inSeconds(lastsMs)}`);
        if (way === 'full') await target.excuse(() => whileFull(scene, target, lastsMs));
        else await target.excuse(() => whileAway(scene, target, lastsMs));
      }),
  };
}

/** It may end over it; the next one finds room, as on another machine. */
async function whileFull(
  { signal }: FaultContext,
  target: SupervisedProcess,
  lastsMs: number,
): Promise<void> {
  const { pid } = target;
  await limitFiles(pid, true);
  await pause(lastsMs, signal).finally(() => limitFiles(pid, false));
}

/** A file is where the folder should be: the process cannot start, and is tried again until it can. */
async function whileAway(
  { site, signal }: FaultContext,
  target: SupervisedProcess,
  lastsMs: number,
): Promise<void> {
  const folder = site.stateOf(target.name);
  const aside = `${folder}.aside`;
  await target.kill(0, async () => {
    await rename(folder, aside);
    await writeFile(folder, 'not a folder');
  });
  await pause(lastsMs, signal).finally(async () => {
    await rm(folder, { recursive: true, force: true });
    await rename(aside, folder);
  });
  while (!target.isReady) await pause(100, signal);
}
