/** Options of an import of examples. */
import type { SetOptions } from '../rebuild/sources.ts';
import type { ExampleFormat } from './example-files/api.ts';

export interface ImportExamplesOptions extends Omit<SetOptions, 'task'> {
  readonly path: string;
  readonly format: ExampleFormat;
  /**
   * Called with the progress when the import ends early after it has begun to send, by the signal or an
   * error.
   */
  readonly stopped?: (soFar: ImportSoFar) => void;
}

/** Sent records stay, and are not sent again. */
export interface ImportSoFar extends Pick<ImportReport, 'examples' | 'vectorsSent' | 'labelsSent'> {
  /** Number of finished examples. */
  readonly done: number;
}

export interface ImportReport {
  readonly extractor: string;
  readonly task: string;
  readonly examples: number;
  /** Of the set in the file. */
  readonly setDigest: string;
  readonly vectorsSent: number;
  readonly labelsSent: number;
  /** Examples whose vector and label existed already, or that have a label with precedence. */
  readonly unchanged: number;
}
