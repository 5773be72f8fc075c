/** What is fuzzed: where inputs come from, what is done with one, and which answers are right. */
import type { Random } from '../chaos/random.ts';

/** What came of a case: a documented code, or `ok` and the like. Anything thrown is a finding. */
export type Outcome = string;

export interface OpenTarget {
  /** The same for the same random numbers. */
  generate(random: Random, index: number): Uint8Array;
  run(input: Uint8Array): Promise<Outcome>;
  close(): Promise<void>;
}

export interface Target {
  readonly name: string;
  /** All outcomes that are documented; anything else is a finding. */
  readonly documented: ReadonlySet<Outcome>;
  /** A case that takes longer counts as hung. Milliseconds. */
  readonly timeoutMs: number;
  /** Resident memory that its process may have at any time. Bytes. */
  readonly memoryBytes: number;
  open(): Promise<OpenTarget>;
}

/** What is wrong with an answer, in words. */
export class Finding extends Error {
  override readonly name = 'Finding';
}
