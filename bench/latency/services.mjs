/**
 * The three services as separate processes on one Kafka and one temporary folder, like a small installation.
 */
import { spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const patienceMs = 180_000;

export async function startServices({ brokers, folder, environment }) {
  const services = ['classify', 'extract', 'ingest'].map((name, index) =>
    startService(name, 18_081 + index, { brokers, folder, environment }),
  );
  for (const service of services) await ready(service);
  return {
    cpuSeconds: () => Object.fromEntries(services.map(({ name, child }) => [name, cpuSecondsOf(child.pid)])),
    stop: () => Promise.all(services.map(stopService)),
  };
}

function startService(name, adminPort, { brokers, folder, environment }) {
  const main = fileURLToPath(new URL(`../../services/${name}/dist/main.js`, import.meta.url));
  const output = openSync(join(folder, `${name}.log`), 'a');
  const child = spawn(process.execPath, [main], {
    stdio: ['ignore', output, output],
    env: {
      ...process.env,
      KAFKA_BROKERS: brokers.join(),
      DATA_DIR: join(folder, 'data'),
      BLOB_STORE: join(folder, 'blobs'),
      PARTITIONS: '2',
      REPLICATION_FACTOR: '1',
      HTTP_HOST: '127.0.0.1',
      HTTP_PORT: '0',
      ADMIN_HOST: '127.0.0.1',
      ADMIN_PORT: String(adminPort),
      ...environment,
    },
  });
  const ended = new Promise((resolve) => {
    child.once('exit', resolve);
  });
  return { name, adminPort, child, ended };
}

async function ready({ name, adminPort, child }) {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${adminPort}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`${name} did not become ready`);
    await setTimeout(100);
  }
}

async function stopService({ child, ended }) {
  child.kill('SIGTERM');
  await Promise.race([
    ended,
    setTimeout(15_000, undefined, { ref: false }).then(() => child.kill('SIGKILL')),
  ]);
}

/** User and system time of a process so far, from /proc in ticks of 10 ms; null where there is none. */
function cpuSecondsOf(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return null;
  }
}
