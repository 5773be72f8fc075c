import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findLibraries, kafkaVersion, openLibraries } from './libraries.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'headwater-jars-'));
  vi.stubEnv('PATH', `${join(folder, 'bin')}:${process.env.PATH}`);
  vi.stubEnv('MAVEN_HOME', '');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const cacheDir = () => join(folder, 'cache');

/** A fake Maven that records each run and executes the script; `$out` is its output directory. */
function installMaven(script: string): void {
  mkdirSync(join(folder, 'bin'), { recursive: true });
  const body = `#!/bin/sh
echo run >> '${join(folder, 'runs')}'
for argument; do case $argument in -DoutputDirectory=*) out=\${argument#*=};; esac; done
${script}
`;
  writeFileSync(join(folder, 'bin', 'mvn'), body, { mode: 0o755 });
}

const fetching = `
echo '[INFO] Downloaded from central: https://example.org/kafka_2.13.jar (1 kB)'
sleep 0.3
touch $out/kafka_2.13-${kafkaVersion}.jar`;

test('concurrent calls download once and find all files afterwards', async () => {
  installMaven(fetching);
  const counts: number[] = [];
  const onProgress = (files: number) => counts.push(files);
  const opened = await Promise.all(
    Array.from({ length: 4 }, () => openLibraries({ cacheDir: cacheDir(), onProgress })),
  );
  expect(new Set(opened).size).toBe(1);
  expect(readdirSync(opened[0] ?? '')).toEqual([`kafka_2.13-${kafkaVersion}.jar`]);
  expect(counts).toEqual([1]);
  await openLibraries({ cacheDir: cacheDir() });
  expect(readFileSync(join(folder, 'runs'), 'utf8')).toBe('run\n');
  expect(readdirSync(cacheDir())).toEqual([`kafka-${kafkaVersion}`]);
});

test('a failed download reports the reason, leaves no files and can be retried', async () => {
  installMaven(`touch $out/half.jar; echo '[ERROR] Could not transfer artifact'; exit 1`);
  await expect(openLibraries({ cacheDir: cacheDir() })).rejects.toMatchObject({
    code: 'local-kafka-failed',
    message: expect.stringContaining('Could not transfer artifact'),
  });
  expect(findLibraries({ cacheDir: cacheDir() })).toBeUndefined();
  expect(readdirSync(cacheDir())).toEqual([]);
  installMaven(fetching);
  expect(existsSync(await openLibraries({ cacheDir: cacheDir() }))).toBe(true);
});

test('rejects a Maven run without the Kafka jars', async () => {
  installMaven('touch $out/other.jar');
  await expect(openLibraries({ cacheDir: cacheDir() })).rejects.toThrow('without downloading Apache Kafka');
});

test('another version has its own folder', async () => {
  installMaven(`
for argument; do case $argument in -Dkafka.version=*) version=\${argument#*=};; esac; done
touch $out/kafka_2.13-$version.jar`);
  const opened = await openLibraries({ cacheDir: cacheDir(), version: '3.9.1' });
  expect(readdirSync(opened)).toEqual(['kafka_2.13-3.9.1.jar']);
  expect(readdirSync(cacheDir())).toEqual(['kafka-3.9.1']);
  expect(findLibraries({ cacheDir: cacheDir() })).toBeUndefined();
});

test('names the package to install without Maven', async () => {
  vi.stubEnv('PATH', folder);
  await expect(openLibraries({ cacheDir: cacheDir() })).rejects.toMatchObject({
    code: 'prerequisite-missing',
  });
});

test('the pom names the same version', () => {
  const pom = readFileSync(new URL('../pom.xml', import.meta.url), 'utf8');
  expect(pom).toContain(`<kafka.version>${kafkaVersion}</kafka.version>`);
});
