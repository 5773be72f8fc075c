/**
 * Kafka's jars, downloaded once from Maven Central into the user's cache. Of concurrent processes, one downloads into
 * a temporary folder, which is renamed when it is complete.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { failed } from './failed.ts';
import { type Program, requireMaven } from './prerequisites.ts';
import { waitForLock } from './process-lock.ts';

/** The default, the same as in pom.xml. */
export const kafkaVersion = '4.1.0';

const pom = fileURLToPath(new URL('../pom.xml', import.meta.url));

export interface LibrariesOptions {
  /** Version of Apache Kafka on Maven Central; default `kafkaVersion`. */
  readonly version?: string | undefined;
  /** Default `$XDG_CACHE_HOME/headwater`, or `~/.cache/headwater`. */
  readonly cacheDir?: string | undefined;
  /** Called for each downloaded file. */
  readonly onProgress?: ((files: number) => void) | undefined;
}

/** The folder of jars; undefined before the download. */
export function findLibraries(options: LibrariesOptions = {}): string | undefined {
  const folder = folderOf(options);
  return existsSync(folder) ? folder : undefined;
}

/** Errors: prerequisite-missing (Maven), local-kafka-failed (Maven Central unreachable, disk full). */
export async function openLibraries(options: LibrariesOptions = {}): Promise<string> {
  const present = findLibraries(options);
  if (present !== undefined) return present;
  const maven = requireMaven();
  const isThere = () => findLibraries(options) !== undefined;
  const folder = folderOf(options);
  const lock = await waitForLock(`${folder}.lock`, isThere);
  try {
    if (!isThere()) await fetchInto(folder, maven, options);
  } finally {
    await lock?.release();
  }
  return folder;
}

async function fetchInto(folder: string, maven: Program, options: LibrariesOptions): Promise<void> {
  const draft = `${folder}.${randomUUID()}.part`;
  await mkdir(draft, { recursive: true });
  try {
    await runMaven(maven, draft, options);
    const jars = await readdir(draft);
    if (!jars.some((jar) => jar.startsWith('kafka_')))
      throw failed('Maven ended without downloading Apache Kafka');
    await rename(draft, folder);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

function runMaven(
  maven: Program,
  folder: string,
  { version = kafkaVersion, onProgress }: LibrariesOptions,
): Promise<void> {
  const goal = 'dependency:copy-dependencies';
  const options = [
    '-B',
    '-f',
    pom,
    '-DincludeScope=runtime',
    `-Dkafka.version=${version}`,
    `-DoutputDirectory=${folder}`,
  ];
  const child = spawn(maven.path, [...options, goal], { stdio: ['ignore', 'pipe', 'pipe'] });
  const errors: string[] = [];
  let files = 0;
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    if (/Downloaded from .*\.jar|Copying .*\.jar/.test(line)) onProgress?.(++files);
    if (line.startsWith('[ERROR]') && errors.length < 5) errors.push(line.slice(8));
  });
  child.stderr.resume();
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(failed('cannot run Maven', error)));
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(failed(`Maven failed to download Apache Kafka:\n${errors.join('\n')}`));
    });
  });
}

function folderOf({ cacheDir, version = kafkaVersion }: LibrariesOptions): string {
  const base = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(cacheDir ?? join(base, 'headwater'), `kafka-${version}`);
}
