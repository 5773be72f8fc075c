/** Labels in bulk: a file of any length, read line by line, where a bad line does not hold up the good ones. */
import type { LabelInput } from './label-writer.ts';

/** A line that was read, or the reason why it could not be. */
export type BulkLabelLine =
  | { readonly line: number; readonly input: LabelInput }
  | { readonly line: number; readonly reason: string };

/** Reads lines from chunks of a body; lines count from 1. Errors: request-invalid when nothing after can be read. */
export type LabelReader = (chunks: AsyncIterable<Buffer>) => AsyncIterable<BulkLabelLine>;
