/**
 * The values that pass along a chain of extractors, and the contract of its steps. A record of the stream goes in, one vector
 * comes out; each step takes the result of the one before. Steps that are fitted on a sample have a digest, as weights do.
 */
import type { ExtractorOptions } from '../options.ts';

/** One record of the stream: the encoded bytes of an image, and its attributes. */
export interface SourceRecord {
  readonly image: Uint8Array;
  readonly attributes: Readonly<Record<string, string>>;
}

export type Value =
  | { readonly type: 'record'; readonly record: SourceRecord }
  /** Decoded, upright; uint8 [height, width, channels]. */
  | {
      readonly type: 'pixels';
      readonly data: Uint8Array;
      readonly height: number;
      readonly width: number;
      readonly channels: 1 | 3;
    }
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tokens'; readonly tokens: readonly string[] }
  | { readonly type: 'number'; readonly number: number }
  | { readonly type: 'category'; readonly category: string }
  | { readonly type: 'missing' }
  /** Within a chain NaN represents a missing entry; the result of a chain must be finite. */
  | { readonly type: 'vector'; readonly vector: Float32Array };

export type ValueType = Value['type'];

export const valueTypes = [
  'record',
  'pixels',
  'text',
  'tokens',
  'number',
  'category',
  'missing',
  'vector',
] as const satisfies readonly ValueType[];

/** A step of a chain, ready to run: fitted, with its engine open. */
export interface Stage {
  /** Its name in the table of methods, e.g. `tfidf`. */
  readonly method: string;
  /**
   * The types that it takes; a chain is checked before the first record. A `missing` value makes the record unfit for a step
   * that does not take it.
   */
  readonly takes: readonly ValueType[];
  /** A text, number or category may also be missing. */
  readonly gives: ValueType;
  /** Dimensions of its vectors; null if it gives none, or as many numbers as it takes. */
  readonly dimensions: number | null;
  /** SHA-256 (hex) over everything that determines a value: method, options, and the fitted artefact. */
  readonly digest: string;
  /**
   * The same value gives the same bits, regardless of concurrent calls. Errors: record-unfit, extractor-failed, and those of
   * images.
   */
  apply(value: Value, signal?: AbortSignal): Value | Promise<Value>;
  close?(): Promise<void>;
}

/** The state of a method while it is fitted. Order and grouping of `add` and `merge` change no bit of the artefact. */
export interface Fitting {
  readonly method: string;
  readonly records: number;
  /** Errors: record-unfit. */
  add(value: Value): void;
  /** Adds another fitting of the same method and options. */
  merge(other: Fitting): void;
  /** The artefact as JSON, with a version and its SHA-256. Errors: sample-insufficient. */
  finish(): FittedArtefact;
  /** The complete state as JSON for `resume`: parts can be fitted in separate processes and merged later. */
  save(): FittingState;
}

/** The state of a fitting as plain JSON, for another process. */
export interface FittingState {
  readonly method: string;
  readonly formatVersion: number;
  readonly records: number;
  readonly options: Readonly<Record<string, unknown>>;
  readonly state: Readonly<Record<string, unknown>>;
}

/** Stored beside the chain's file; its digest is verified when it is opened. */
export interface FittedArtefact {
  readonly method: string;
  readonly formatVersion: number;
  readonly records: number;
  readonly options: Readonly<Record<string, unknown>>;
  readonly learned: Readonly<Record<string, unknown>>;
  /** SHA-256 (hex) over all other members, in one fixed order. */
  readonly digest: string;
}

/** A method of the table, which makes a step: one file each. */
export interface StageMethod {
  readonly method: string;
  readonly takes: readonly ValueType[];
  /** If it depends on the options, the open step states it. */
  readonly gives: ValueType;
  /** Checks the options of a chain's file; `settings` are limits, threads and timeouts. Errors: config-invalid. */
  readonly open: (
    options: unknown,
    artefact: FittedArtefact | undefined,
    settings?: ExtractorOptions,
  ) => Stage | Promise<Stage>;
  /** Only if its types depend on the options: returns them without opening the step. Errors: config-invalid. */
  readonly types?: (options: unknown) => Pick<Stage, 'takes' | 'gives'>;
  /** Only for methods that are fitted. Errors: config-invalid. */
  readonly fit?: (options: unknown) => Fitting;
  /** Whether these options need an artefact; by default they do if there is `fit`. */
  readonly learns?: (options: unknown) => boolean;
  /**
   * Only for methods that are fitted: continues from a saved state. Errors: config-invalid if it is not of this method and
   * version.
   */
  readonly resume?: (state: FittingState) => Fitting;
}
