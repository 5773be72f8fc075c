/**
 * The broker as a child process that never outlives its parent. A watchdog shell holds a pipe of the parent and ends
 * the broker when the pipe closes, also after a kill of the parent. The broker has its own process group, so that
 * Ctrl-C in a terminal reaches only the services, which stop before Kafka.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

export interface BrokerProcess {
  readonly pid: number;
  /** Resolves when the broker has ended for any reason; never rejects. */
  readonly ended: Promise<{ readonly code: number | null; readonly error?: Error }>;
  /** Sends SIGTERM, and SIGKILL after the grace period. */
  stop(): Promise<void>;
  /** Sends SIGKILL to the process group. */
  kill(): void;
}

const defaultGraceSeconds = 20;

/** $1 is the grace period in seconds. `read` returns when the pipe on descriptor 3 closes: then TERM, later KILL. */
const watchdog = `
left=$1
shift
exec 3<&0
"$@" </dev/null 3<&- &
broker=$!
(
  read -r line <&3
  kill -TERM $broker
  while [ $left -gt 0 ] && kill -0 $broker; do sleep 1; left=$((left - 1)); done
  kill -KILL $broker
) >/dev/null 2>&1 &
watch=$!
wait $broker
code=$?
kill $watch 2>/dev/null
exit $code
`;

interface BrokerProcessOptions {
  /** File for standard output and standard error. */
  readonly outputFile: string;
  readonly cwd: string;
  /** Seconds between TERM and KILL; default 20. */
  readonly graceSeconds?: number;
}

export function startBroker(
  command: readonly string[],
  { outputFile, cwd, graceSeconds = defaultGraceSeconds }: BrokerProcessOptions,
): BrokerProcess {
  const output = openSync(outputFile, 'w');
  const child = spawn('/bin/sh', ['-c', watchdog, 'headwater-kafka', String(graceSeconds), ...command], {
    cwd,
    detached: true,
    stdio: ['pipe', output, output],
  });
  closeSync(output);
  // The pipe breaks when the broker ends first, which `ended` reports.
  child.stdin?.on('error', () => undefined);
  const ended = waitForEnd(child);
  return {
    pid: child.pid ?? -1,
    ended,
    stop: () => stop(child, ended, graceSeconds),
    kill: () => killGroup(child),
  };
}

function waitForEnd(child: ChildProcess): BrokerProcess['ended'] {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, error }));
    child.once('exit', (code) => {
      killGroup(child);
      resolve({ code });
    });
  });
}

async function stop(child: ChildProcess, ended: BrokerProcess['ended'], graceSeconds: number): Promise<void> {
  child.stdin?.end();
  const insist = setTimeout(() => killGroup(child), (graceSeconds + 5) * 1_000);
  await ended;
  clearTimeout(insist);
}

/** Kills the remaining processes of the group, in case the shell itself was killed. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group has no processes.
  }
}

/** The last lines of a file, for error messages; empty when it does not exist. */
export function readTail(file: string, lines = 20): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}
