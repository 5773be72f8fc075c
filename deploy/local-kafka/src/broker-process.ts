/**
 * The broker as a child that never outlives us. A small shell stands between: it holds our pipe, and when that
 * closes, because we say so or because we were killed, it ends the broker. The broker has a process group of its
 * own, so that Ctrl-C in a terminal reaches the services first and Kafka last.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

export interface BrokerProcess {
  readonly pid: number;
  /** Resolves when the broker has ended, for whatever reason; never rejects. */
  readonly ended: Promise<{ readonly code: number | null; readonly error?: Error }>;
  /** Asks, waits, and insists when the grace is over. */
  stop(): Promise<void>;
  /** At once, by SIGKILL to all that it consists of. */
  kill(): void;
}

const defaultGraceSeconds = 20;

/** $1 is the grace in seconds. `read` returns when the pipe on descriptor 3 closes: TERM, and KILL if that is not enough. */
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

export interface BrokerProcessOptions {
  /** What it prints goes there. */
  readonly outputFile: string;
  readonly cwd: string;
  /** Between TERM and KILL; default 20. */
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
  // The pipe breaks when the broker ends first; that is told by `ended`.
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

/** Whoever is left of the group, for the case that the shell itself was killed. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nobody is left.
  }
}

/** The last lines of a file, for the words of an error; empty when there is none. */
export function readTail(file: string, lines = 20): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}
