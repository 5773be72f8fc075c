/** The process functions that `runService` uses; tests replace them. */
import type { Environment } from '../configuration/load.ts';

export interface ProcessHost {
  readonly environment: Environment;
  /** Command-line arguments, without program and script. */
  readonly arguments: readonly string[];
  /** Calls back for each SIGTERM and SIGINT. */
  onSignal(handle: (signal: string) => void): void;
  /** Calls back for uncaught exceptions and unhandled rejections. */
  onUncaught(handle: (error: unknown) => void): void;
  print(text: string): void;
  printError(text: string): void;
  exit(code: number): void;
}

export const processHost: ProcessHost = {
  environment: process.env,
  arguments: process.argv.slice(2),
  onSignal(handle) {
    process.on('SIGTERM', handle);
    process.on('SIGINT', handle);
  },
  onUncaught(handle) {
    process.on('uncaughtException', handle);
    process.on('unhandledRejection', handle);
  },
  print: (text) => process.stdout.write(text),
  printError: (text) => process.stderr.write(text),
  exit: (code) => process.exit(code),
};
