import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findPrerequisites, requireJava, requireMaven } from './prerequisites.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'headwater-programs-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A folder of programs that print a text on standard error, like `java -version`. */
function install(name: string, program: string, words: string, mode = 0o755): string {
  const bin = join(folder, name);
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, program), `#!/bin/sh\necho '${words}' >&2\n`, { mode });
  return bin;
}

test('finds programs in the first folder of the path', () => {
  const PATH = [
    join(folder, 'absent'),
    install('a', 'java', 'openjdk version "21.0.2" 2024-01-16'),
    install('b', 'java', 'java version "17"'),
    install('b', 'mvn', ''),
  ].join(':');
  expect(findPrerequisites({ PATH })).toEqual({
    java: { path: join(folder, 'a', 'java'), version: 21 },
    maven: { path: join(folder, 'b', 'mvn') },
  });
});

test('JAVA_HOME and MAVEN_HOME take precedence', () => {
  install('home/bin', 'java', 'openjdk version "17.0.15"');
  install('home/bin', 'mvn', '');
  const PATH = install('a', 'java', 'openjdk version "21"');
  const home = join(folder, 'home');
  const { java, maven } = findPrerequisites({ PATH, JAVA_HOME: home, MAVEN_HOME: home });
  expect([java?.version, maven?.path]).toEqual([17, join(home, 'bin', 'mvn')]);
});

test('names the packages to install', () => {
  expect(findPrerequisites({ PATH: folder })).toEqual({ java: undefined, maven: undefined });
  expect(findPrerequisites({})).toEqual({ java: undefined, maven: undefined });
  expect(() => requireJava({ PATH: folder })).toThrow(
    /Java is not installed: install Java 17 or newer .*apt install/,
  );
  expect(() => requireMaven({ PATH: folder })).toThrow(/Maven is not installed.*apt install maven/);
});

test.each([
  ['11.0.2', 11],
  ['1.8.0_292', 8],
])('Java %s is too old, and is named', (version, major) => {
  const PATH = install('old', 'java', `openjdk version "${version}"`);
  expect(findPrerequisites({ PATH }).java).toBeUndefined();
  expect(() => requireJava({ PATH })).toThrow(`${join(PATH, 'java')} is Java ${major}: install Java 17`);
});

test('ignores a program without a version or without execute permission', () => {
  expect(
    findPrerequisites({ PATH: install('odd', 'java', 'please install a runtime') }).java,
  ).toBeUndefined();
  expect(findPrerequisites({ PATH: install('data', 'mvn', '', 0o644) }).maven).toBeUndefined();
});
