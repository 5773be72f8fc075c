/**
 * What travels along a chain of extractors, and what each link of it is. A record of the stream goes in, one vector comes out; in
 * between a link takes what the one before gave. Links that learn from a sample state their digest as weights do.
 */
import type { ExtractorOptions } from '../options.ts';

/** What one image of the stream brings: its encoded bytes, and the attributes that travel with it. */
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
  /** Inside a chain NaN stands for a missing entry; what leaves a chain must be finite. */
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

/** A link of a chain, made ready: fitted, its engine open. */
export interface Stage {
  /** As the table of extractors calls it, e.g. `tfidf`. */
  readonly method: string;
  /** The values it takes; a chain is checked before the first record. One that does not take `missing` makes such a record unfit. */
  readonly takes: readonly ValueType[];
  /** A text, number or category may also be missing. */
  readonly gives: ValueType;
  /** Of the vector it gives; null where it gives none, or gives as many numbers as it takes. */
  readonly dimensions: number | null;
  /** SHA-256 (hex) over all that a value depends on: method, options, and what was learned. */
  readonly digest: string;
  /** The same value gives the same bits, whatever is under way beside it. Errors: record-unfit, extractor-failed, and those of images. */
  apply(value: Value, signal?: AbortSignal): Value | Promise<Value>;
  close?(): Promise<void>;
}

/** What a method has learned so far. Order and grouping of `add` and `merge` change no bit of the artefact. */
export interface Fitting {
  readonly method: string;
  readonly records: number;
  /** Errors: record-unfit. */
  add(value: Value): void;
  /** Adds another fitting of the same method and options. */
  merge(other: Fitting): void;
  /** What was learned, as JSON: versioned, and stated by its SHA-256. Errors: sample-insufficient. */
  finish(): FittedArtefact;
  /** All of what was learned so far, as JSON that `resume` reads: parts are fitted in processes of their own, and merged later. */
  save(): FittingState;
}

/** A fitting on its way from one process to another: plain JSON. */
export interface FittingState {
  readonly method: string;
  readonly formatVersion: number;
  readonly records: number;
  readonly options: Readonly<Record<string, unknown>>;
  readonly state: Readonly<Record<string, unknown>>;
}

/** Saved beside the chain's file; its digest is checked when it is opened. */
export interface FittedArtefact {
  readonly method: string;
  readonly formatVersion: number;
  readonly records: number;
  readonly options: Readonly<Record<string, unknown>>;
  readonly learned: Readonly<Record<string, unknown>>;
  /** SHA-256 (hex) over all the other members, in one fixed order. */
  readonly digest: string;
}

/** One method of the table that makes a link: one file each. */
export interface StageMethod {
  readonly method: string;
  readonly takes: readonly ValueType[];
  /** Where options decide on it, what the link says once it is open. */
  readonly gives: ValueType;
  /** Checks the options that a chain's file gives; `settings` are limits, threads and time-outs. Errors: config-invalid. */
  readonly open: (
    options: unknown,
    artefact: FittedArtefact | undefined,
    settings?: ExtractorOptions,
  ) => Stage | Promise<Stage>;
  /** Only where options decide what it takes and gives: tells that without opening it. Errors: config-invalid. */
  readonly types?: (options: unknown) => Pick<Stage, 'takes' | 'gives'>;
  /** Only of methods that learn. Errors: config-invalid. */
  readonly fit?: (options: unknown) => Fitting;
  /** Whether these options need an artefact; absent: they do where there is `fit`. */
  readonly learns?: (options: unknown) => boolean;
  /** Only of methods that learn: goes on from what `save` gave. Errors: config-invalid where it is not that of this method and version. */
  readonly resume?: (state: FittingState) => Fitting;
}
