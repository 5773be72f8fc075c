/** Child processes of the interop test: what they say goes to a file, and they end by their process id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Child {
  readonly exited: Promise<number | null>;
  /** Asks it to end, and kills it when it has not after `seconds`. Answers the exit status. */
  stop(seconds: number): Promise<number | null>;
}

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly logFile: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export function startChild({ command, args, logFile, env, cwd }: ChildOptions): Child {
  mkdirSync(dirname(logFile), { recursive: true });
  const output = openSync(logFile, 'a');
  const environment = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env };
  const child = spawn(command, args, { stdio: ['ignore', output, output], env: environment, cwd });
  closeSync(output);
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status) => resolve(status));
  });
  exited.catch(() => undefined);
  return { exited, stop: (seconds) => stop(child, exited, seconds) };
}

async function stop(child: ChildProcess, exited: Promise<number | null>, seconds: number) {
  if (child.exitCode !== null || child.signalCode !== null) return exited;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1000);
  return exited.finally(() => clearTimeout(timer));
}

/** Runs a command to its end; fails with the end of its output. */
export async function runChild(options: ChildOptions): Promise<void> {
  const status = await startChild(options).exited;
  if (status !== 0) throw new Error(`${options.command} ended with ${status}:\n${endOf(options.logFile)}`);
}

/** The last lines of a log. */
export function endOf(logFile: string): string {
  return readFileSync(logFile, 'utf8').split('\n').slice(-60).join('\n');
}

/** Waits until a URL answers 200; fails when the process ends before, or after `seconds`. */
export async function waitForUrl(url: string, child: Child, seconds: number, logFile: string): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  let ended = false;
  child.exited.then(
    () => (ended = true),
    () => (ended = true),
  );
  for (;;) {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2000) }).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok) return;
    if (ended || Date.now() > deadline) throw new Error(`${url} does not answer 200:\n${endOf(logFile)}`);
    await sleep(200);
  }
}

/** A port that was free a moment ago. */
export async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
