/** Programs that a local broker requires. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { HeadwaterError } from '@headwater/errors';

export interface Program {
  readonly path: string;
  /** Major version, of Java only. */
  readonly version?: number;
}

export interface Prerequisites {
  /** Java in a version that Kafka 4 supports. */
  readonly java: Program | undefined;
  /** Only required for the download of Kafka's jars. */
  readonly maven: Program | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

const minimumJava = 17;

/** Searches `JAVA_HOME` and `MAVEN_HOME` first, then the `PATH`. Ignores an older Java. */
export function findPrerequisites(environment: Environment = process.env): Prerequisites {
  const java = findJava(environment);
  const isNewEnough = java !== undefined && (java.version ?? 0) >= minimumJava;
  return { java: isNewEnough ? java : undefined, maven: findMaven(environment) };
}

/** Errors: prerequisite-missing. */
export function requireJava(environment: Environment = process.env): Program {
  const java = findJava(environment);
  const advice = `install Java ${minimumJava} or newer (Debian, Ubuntu: apt install openjdk-17-jre-headless; macOS: brew install openjdk)`;
  if (java === undefined) throw missing(`Java is not installed: ${advice}`);
  if ((java.version ?? 0) < minimumJava) throw missing(`${java.path} is Java ${java.version}: ${advice}`);
  return java;
}

/** Errors: prerequisite-missing. */
export function requireMaven(environment: Environment = process.env): Program {
  const maven = findMaven(environment);
  if (maven !== undefined) return maven;
  throw missing(
    'Maven is not installed, and is required once to download Apache Kafka: install it (Debian, Ubuntu: apt install maven; macOS: brew install maven)',
  );
}

function findJava(environment: Environment): Program | undefined {
  const path = findProgram('java', environment.JAVA_HOME, environment);
  if (path === undefined) return undefined;
  const version = readJavaVersion(path);
  return version === undefined ? undefined : { path, version };
}

function findMaven(environment: Environment): Program | undefined {
  const path = findProgram('mvn', environment.MAVEN_HOME, environment);
  return path === undefined ? undefined : { path };
}

/** Parses `openjdk version "17.0.15"`; up to Java 8 `"1.8.0_292"`. undefined where the program does not run. */
function readJavaVersion(path: string): number | undefined {
  const { stderr, stdout } = spawnSync(path, ['-version'], { encoding: 'utf8', timeout: 30_000 });
  const [, major, minor] = /version "(\d+)(?:\.(\d+))?/.exec(`${stderr}${stdout}`) ?? [];
  if (major === undefined) return undefined;
  return Number(major === '1' ? minor : major);
}

function findProgram(name: string, home: string | undefined, environment: Environment): string | undefined {
  const folders = (environment.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  if (home !== undefined && home !== '') folders.unshift(join(home, 'bin'));
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function missing(message: string): HeadwaterError {
  return new HeadwaterError('prerequisite-missing', message);
}
