#!/usr/bin/env node
import { runProgram } from './program.ts';
/** The `headwater` command: signals and exit codes; the commands are in `program.ts`. */
import { Interruption } from './terminal/console.ts';
import { createConsoleLogger } from './terminal/console-logger.ts';

/** Time limit after the first signal; less than an orchestrator's ten seconds. */
const stopSeconds = 9.5;

/** One Ctrl-C may arrive twice, from the terminal and from the parent process: that counts as one. */
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
    process.stderr.write('\nstopping … (press Ctrl-C again to stop immediately)\n');
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
// Open handles (a pooled connection, a worker) must not delay the exit.
process.exit();
