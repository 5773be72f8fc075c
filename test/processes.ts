/** Headwater's processes as a user starts them; they end with the test that started them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const started = new Set<ChildProcess>();

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningProcess {
  readonly pid: number;
  readonly ended: Promise<ProcessEnd>;
  /** The whole output so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  send(signal: NodeJS.Signals): void;
}

export type Variables = Readonly<Record<string, string>>;

/** Runs a script of this repository with these variables and no other Headwater variables. */
export function startScript(script: string, args: readonly string[], variables: Variables): RunningProcess {
  const { PATH = '', HOME = '', JAVA_HOME } = process.env;
  const env = { PATH, HOME, ...(JAVA_HOME === undefined ? {} : { JAVA_HOME }), ...variables };
  const child = spawn(process.execPath, [`${root}${script}`, ...args], { cwd: root, env });
  started.add(child);
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const ended = new Promise<ProcessEnd>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      started.delete(child);
      resolve({ code, signal });
    });
  });
  ended.catch(() => undefined);
  return {
    pid: child.pid ?? 0,
    ended,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    send: (signal) => void child.kill(signal),
  };
}

/** Ends processes that a failed test has left running. */
export function killAll(): void {
  for (const child of started) child.kill('SIGKILL');
}

export interface ServiceProcess extends RunningProcess {
  readonly url: string;
}

/**
 * Starts one service; resolves when it reports that it is ready, and rejects with its output when it ends
 * before.
 */
export async function startService(
  name: 'ingest' | 'extract' | 'classify',
  variables: Variables,
): Promise<ServiceProcess> {
  const own = { ADMIN_PORT: '0', HTTP_PORT: '0', HTTP_HOST: '127.0.0.1', LOG_LEVEL: 'info' };
  const running = startScript(`services/${name}/dist/main.js`, [], { ...own, ...variables });
  let end: ProcessEnd | undefined;
  running.ended.then((known) => {
    end = known;
  });
  for (;;) {
    const line = readyLine(running.stderr());
    if (line !== undefined) return { ...running, url: line.url ?? '' };
    if (end !== undefined) throw new Error(`${name} ended with ${end.code}:\n${running.stderr()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function readyLine(stderr: string): { readonly url: string | null } | undefined {
  const line = stderr.split('\n').find((text) => text.includes('"msg":"ready"') && text.endsWith('}'));
  return line === undefined ? undefined : JSON.parse(line);
}
