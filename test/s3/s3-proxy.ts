/** A real S3 server: S3Proxy from Maven Central, over a folder, with signatures checked. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Child, endOf, findFreePort, runChild, startChild } from '../child-process.ts';
import { fillFolder, keptFolder } from '../interop/files.ts';

/** The same as in pom.xml. */
const version = '4.1.0';
const startSeconds = 60;

export interface S3Proxy {
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  stop(): Promise<void>;
}

/** Fetches it (57 MB, once), and starts it on a free port with its data below `folder`. */
export async function startS3Proxy(folder: string): Promise<S3Proxy> {
  const libraries = await fetchLibraries();
  const port = await findFreePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const access = { accessKey: 'trial-access-key', secretKey: 'trial-secret-key' };
  const logFile = join(folder, 's3proxy.log');
  const settings = await writeSettings(folder, endpoint, access);
  const memory = ['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-DLOG_LEVEL=warn'];
  const main = ['org.gaul.s3proxy.Main', '--properties', settings];
  // Keys become file names, for which the JVM would otherwise use ASCII only.
  const env = { LC_ALL: 'C.UTF-8' };
  const child = startChild({
    command: 'java',
    args: [...memory, '-cp', join(libraries, '*'), ...main],
    logFile,
    env,
  });
  const stop = async () => void (await child.stop(5));
  try {
    await waitForAnswer(endpoint, child, logFile);
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint, ...access, stop };
}

async function fetchLibraries(): Promise<string> {
  const folder = join(keptFolder, `s3proxy-${version}`);
  const pom = fileURLToPath(new URL('pom.xml', import.meta.url));
  const fetch = async (draft: string) => {
    await mkdir(draft, { recursive: true });
    const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${draft}`];
    const logFile = join(keptFolder, 'mvn-s3.log');
    await runChild({ command: 'mvn', args: ['-B', '-q', '-f', pom, ...goal], logFile });
  };
  if (!existsSync(folder)) await fillFolder(folder, fetch);
  return folder;
}

async function writeSettings(
  folder: string,
  endpoint: string,
  { accessKey, secretKey }: Pick<S3Proxy, 'accessKey' | 'secretKey'>,
): Promise<string> {
  const data = join(folder, 'data');
  await mkdir(data, { recursive: true });
  const settings = {
    's3proxy.endpoint': endpoint,
    's3proxy.authorization': 'aws-v2-or-v4',
    's3proxy.identity': accessKey,
    's3proxy.credential': secretKey,
    'jclouds.provider': 'filesystem-nio2',
    'jclouds.filesystem.basedir': data,
    'jclouds.identity': 'none',
    'jclouds.credential': 'none',
  };
  const path = join(folder, 's3proxy.properties');
  await writeFile(
    path,
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  return path;
}

/** Any response will do: without a signature it is an error. */
async function waitForAnswer(endpoint: string, child: Child, logFile: string): Promise<void> {
  let ended = false;
  const end = () => {
    ended = true;
  };
  child.exited.then(end, end);
  const deadline = Date.now() + startSeconds * 1_000;
  for (;;) {
    const answer = await fetch(endpoint, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer !== undefined) return;
    if (ended || Date.now() > deadline) throw new Error(`S3Proxy does not answer:\n${endOf(logFile)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
