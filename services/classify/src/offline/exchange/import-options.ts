/** What an import of examples is given. */
import type { SetOptions } from '../rebuild/sources.ts';
import type { ExampleFormat } from './example-files/api.ts';

export interface ImportExamplesOptions extends Omit<SetOptions, 'task'> {
  readonly path: string;
  readonly format: ExampleFormat;
  /** Told how far it has come when it ends before its end, once it has begun to send: the signal, or an error. */
  readonly stopped?: (soFar: ImportSoFar) => void;
}

/** What was sent stays, and is not sent again. */
export interface ImportSoFar extends Pick<ImportReport, 'examples' | 'vectorsSent' | 'labelsSent'> {
  /** Of the examples, those that are done. */
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
  /** Examples of which vector and label were there already, or a label that counts more. */
  readonly unchanged: number;
}
