/** The folder of the claim checks: away (as a share that is not mounted any more), full, or slow. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import type { Random } from '../random.ts';
import { type Fault, type FaultContext, inSeconds, pause, withAll, withTarget } from './fault.ts';
import { limitFiles } from './limits.ts';

const ways = ['away', 'full', 'slow', 'unmounted'] as const;
const slowMs = 1_500;

/** `index` counts the faults of this kind: each way has its turn. */
export function createBlobFault(random: Random, index: number): Fault {
  const way = ways[index % ways.length] ?? 'away';
  const lastsMs = random.integer(2_000, 5_000);
  return {
    kind: 'blobs',
    strike: (scene, struck) =>
      scene.alone('blobs', () => {
        const isAway = way === 'away' || way === 'unmounted';
        const within = (work: () => Promise<void>) =>
          isAway ? withAll(scene, work) : withTarget(scene, ['ingest-1'], work);
        return within(async () => {
          struck(`the blob store is ${way} for ${inSeconds(lastsMs)}`);
          if (way === 'full') await whileFull(scene, lastsMs);
          else if (way === 'slow') await whileSlow(scene, lastsMs);
          else await whileAway(scene, way === 'unmounted', lastsMs);
        });
      }),
  };
}

/** For ingest, which writes images; a full disk under classify is a fault of its state. */
async function whileFull({ site, signal }: FaultContext, lastsMs: number): Promise<void> {
  const pid = site.services.find(({ name }) => name === 'ingest-1')?.pid;
  await limitFiles(pid, true);
  await pause(lastsMs, signal).finally(() => limitFiles(pid, false));
}

async function whileSlow({ site, signal }: FaultContext, lastsMs: number): Promise<void> {
  await writeFile(site.slowness, String(slowMs));
  await pause(lastsMs, signal).finally(() => rm(site.slowness, { force: true }));
}

/** What is unmounted leaves an empty folder behind. Nobody may start meanwhile: a store that is away cannot be told from a new one. */
async function whileAway(
  { site, signal }: FaultContext,
  isUnmounted: boolean,
  lastsMs: number,
): Promise<void> {
  const aside = `${site.blobs}.aside`;
  // The first claim check makes the folder.
  await mkdir(site.blobs, { recursive: true });
  await rename(site.blobs, aside);
  if (isUnmounted) await mkdir(site.blobs);
  await pause(lastsMs, signal).finally(() => putBack(aside, site.blobs));
}

/** What was under way may still leave empty folders behind; a mount would lie on top of them. */
async function putBack(aside: string, folder: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await rm(folder, { recursive: true, force: true });
      await rename(aside, folder);
      return;
    } catch (error) {
      if (attempt === 100 || (error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
    }
  }
}
