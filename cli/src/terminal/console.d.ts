/** What a command has of the process it runs in; tests put another in its place. */
import type { ScreenStream } from '@headwater/demo';
import type { Logger } from '@headwater/log';
import type { Environment } from '@headwater/service-kit';
export interface Console {
  readonly environment: Environment;
  /** Results. */
  readonly stdout: {
    write(text: string): unknown;
  };
  /** Everything else. */
  readonly stderr: ScreenStream;
  /** Aborted, with an `Interruption`, by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  /** A logger whose lines go where `say` puts them. Errors: config-invalid. */
  createLogger(say: (line: string) => void): Logger;
}
/** Somebody ended the command; 128 + the signal's number is the exit code, as shells have it. */
export declare class Interruption extends Error {
  readonly name = 'Interruption';
  readonly exitCode: number;
  constructor(signal: 'SIGINT' | 'SIGTERM');
}
//# sourceMappingURL=console.d.ts.map
