#!/usr/bin/env node
import { runProgram } from './program.ts';
/** The `headwater` command: signals, exit codes and nothing else; what it does is in `program.ts`. */
import { Interruption } from './terminal/console.ts';
import { createConsoleLogger } from './terminal/console-logger.ts';

/** After a first signal everything has this long to end; less than an orchestrator's ten seconds. */
const stopSeconds = 9.5;

/** One Ctrl-C may come twice, from the terminal and from the program that started us: that is not impatience. */
const echoMilliseconds = 500;

const interruption = new AbortController();
let interruptedAt = Number.NEGATIVE_INFINITY;

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    const reason = new Interruption(signal);
    if (performance.now() - interruptedAt < echoMilliseconds) return;
    if (interruption.signal.aborted) process.exit(reason.exitCode);
    interruptedAt = performance.now();
    interruption.abort(reason);
    process.stderr.write('\nstopping … (once more to stop at once)\n');
    setTimeout(() => process.exit(reason.exitCode), stopSeconds * 1000).unref();
  });
}

process.exitCode = await runProgram(process.argv, {
  environment: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: interruption.signal,
  createLogger: (say) => createConsoleLogger(process.env, say),
});
// What still has handles open (a pooled connection, a worker) has nothing left to say.
process.exit();
