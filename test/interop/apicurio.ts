/** A real schema registry: Apicurio from Maven Central, which speaks Confluent's interface and keeps everything in memory. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findFreePort, runChild, startChild, waitForUrl } from '../child-process.ts';
import { fillFolder, interopFolder, keptFolder } from './files.ts';

/** The same as in pom.xml. */
const version = '2.5.11.Final';

export interface Apicurio {
  /** What SCHEMA_REGISTRY_URL is set to. */
  readonly url: string;
  stop(): Promise<void>;
}

async function fetchApicurio(): Promise<string> {
  const folder = join(keptFolder, `apicurio-${version}`);
  const fetch = async (draft: string): Promise<void> => {
    await mkdir(draft, { recursive: true });
    await runChild({
      command: 'mvn',
      args: [
        '-B',
        '-q',
        '-f',
        join(interopFolder, 'pom.xml'),
        'dependency:unpack',
        `-DoutputDirectory=${draft}`,
      ],
      logFile: join(keptFolder, 'mvn.log'),
    });
  };
  if (!existsSync(folder)) await fillFolder(folder, fetch);
  return folder;
}

/** Fetches it (140 MB) unless it is there, and starts it on a free port. */
export async function startApicurio(logFile: string): Promise<Apicurio> {
  const folder = await fetchApicurio();
  const port = await findFreePort();
  const memory = ['-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
  const address = ['-Dquarkus.http.host=127.0.0.1', `-Dquarkus.http.port=${port}`];
  const jar = join(folder, `apicurio-registry-app-${version}-runner.jar`);
  const child = startChild({
    command: 'java',
    args: [...memory, ...address, '-jar', jar],
    logFile,
    cwd: folder,
  });
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`;
  const stop = async (): Promise<void> => {
    await child.stop(10);
  };
  try {
    await waitForUrl(`${url}/subjects`, child, 120, logFile);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, stop };
}
