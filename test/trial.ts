/** Common parts of the trial programs (chaos, fuzz, overload): options, progress, the JSON summary, signals and exit codes. */
import { setMaxListeners } from 'node:events';

export interface Trial<Options, Summary> {
  readonly help: string;
  /** Undefined where help is requested. Errors: invalid usage. */
  readonly readOptions: (args: readonly string[]) => Options | undefined;
  /** Ends early, with a summary or an error, when the signal aborts. */
  readonly run: (options: Options, signal: AbortSignal) => Promise<Summary>;
  readonly isRight: (summary: Summary) => boolean;
  /** A signal was received; the run is about to end. */
  readonly ending?: () => void;
  /** Formats an error; default: its stack. */
  readonly formatError?: (error: Error) => string;
}

/** Parses a whole number of the command line. Throws an Error with a message for the user. */
export function countOf(name: string, given: string | undefined, otherwise: number): number {
  if (given === undefined) return otherwise;
  if (/^\d{1,9}$/.test(given)) return Number(given);
  throw new Error(`--${name} ${given}: expected a whole number`);
}

/** Options of every trial, for `parseArgs`; the summary is always JSON. */
export const commonOptions = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;

/** The end of the help: common options and exit codes. */
export function commonHelp(right: string, wrong: string): string {
  return `  --json          the last line of standard output is a JSON object (the summary is one in any case)
  --help

Exit codes: 0 ${right}; 1 ${wrong}; 2 wrong usage; 130 and 143 ended before the run was over.
`;
}

/** Prints progress lines with the elapsed time. */
export function createProgressLog(name: string): (text: string) => void {
  const started = performance.now();
  return (text) => {
    const seconds = ((performance.now() - started) / 1_000).toFixed(1).padStart(6);
    process.stderr.write(`${name} ${seconds} s: ${text}\n`);
  };
}

/** Resolves to the exit code: 0 success, 1 a finding or a failure, 2 invalid usage, 130 and 143 interrupted by a signal. */
export async function runTrial<Options, Summary>(
  trial: Trial<Options, Summary>,
  args: readonly string[],
): Promise<number> {
  let options: Options | undefined;
  try {
    options = trial.readOptions(args);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${trial.help}`);
    return 2;
  }
  if (options === undefined) {
    process.stdout.write(trial.help);
    return 0;
  }
  return await runUntilSignal(trial, options);
}

async function runUntilSignal<Options, Summary>(
  { run, isRight, ending, formatError = ({ stack, message }) => stack ?? message }: Trial<Options, Summary>,
  options: Options,
): Promise<number> {
  const end = new AbortController();
  // All concurrent waits listen to it.
  setMaxListeners(0, end.signal);
  let status: number | undefined;
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      status = code;
      ending?.();
      end.abort(new Error('interrupted by a signal'));
    });
  }
  try {
    const summary = await run(options, end.signal);
    process.stdout.write(`${JSON.stringify(summary)}\n`);
    return status ?? (isRight(summary) ? 0 : 1);
  } catch (error) {
    if (status === undefined) process.stderr.write(`${formatError(error as Error)}\n`);
    return status ?? 1;
  }
}
