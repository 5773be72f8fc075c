/** What a command has of the process it runs in; tests put another in its place. */

import type { Logger } from '@headwater/log';
import type { Environment } from '@headwater/service-kit';

/** Standard error, or a stream in its place. */
export interface TerminalStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Console {
  readonly environment: Environment;
  /** Results. */
  readonly stdout: { write(text: string): unknown };
  /** Everything else. */
  readonly stderr: TerminalStream;
  /** Aborted, with an `Interruption`, by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  /** A logger whose lines go where `say` puts them. Errors: config-invalid. */
  createLogger(say: (line: string) => void): Logger;
}

/** Somebody ended the command; 128 + the signal's number is the exit code, as shells have it. */
export class Interruption extends Error {
  override readonly name = 'Interruption';
  readonly exitCode: number;

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`interrupted by ${signal}`);
    this.exitCode = signal === 'SIGINT' ? 130 : 143;
  }
}
