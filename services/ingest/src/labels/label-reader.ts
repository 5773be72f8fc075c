/** Reads labels in bulk, line by line, from a body of any length; an invalid line does not affect the others. */
import type { LabelInput } from './label-writer.ts';

/** A parsed line, or the reason of its rejection. */
export type BulkLabelLine =
  | { readonly line: number; readonly input: LabelInput }
  | { readonly line: number; readonly reason: string };

/** Reads lines from chunks of a body; lines count from 1. Errors: request-invalid when the body cannot be read on. */
export type LabelReader = (chunks: AsyncIterable<Buffer>) => AsyncIterable<BulkLabelLine>;
