/** A fuzz target: the source of inputs, the call, and the documented outcomes. */
import type { Random } from '../chaos/random.ts';

/** Result of a case: a documented code, or `ok` and the like. Anything thrown is a finding. */
export type Outcome = string;

export interface OpenTarget {
  /** Equal for equal random numbers. */
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
  /** Maximum resident memory of its process. Bytes. */
  readonly memoryBytes: number;
  open(): Promise<OpenTarget>;
}

/** Describes a fault of an outcome. */
export class Finding extends Error {
  override readonly name = 'Finding';
}
