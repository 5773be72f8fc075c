/** The process that a command runs in; replaced by tests. */
import type { Logger } from '@headwater/log';
import type { Environment } from '@headwater/service-kit';

/** Standard error, or a stream in its place. */
export interface TerminalStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Console {
  readonly environment: Environment;
  /** For results. */
  readonly stdout: { write(text: string): unknown };
  /** For progress and messages. */
  readonly stderr: TerminalStream;
  /** Aborted, with an `Interruption`, by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  /** Creates a logger that writes its lines with `say`. Errors: config-invalid. */
  createLogger(say: (line: string) => void): Logger;
}

/** The command was interrupted; its exit code is 128 + the signal's number, as in shells. */
export class Interruption extends Error {
  override readonly name = 'Interruption';
  readonly exitCode: number;

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`interrupted by ${signal}`);
    this.exitCode = signal === 'SIGINT' ? 130 : 143;
  }
}
