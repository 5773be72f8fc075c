/** The messages between an extractor's process and the thread of a user-supplied module. */
import type { Value } from '@headwater/extractors';

export interface ModuleStart {
  /** Absolute path. */
  readonly module: string;
  readonly options: Readonly<Record<string, unknown>>;
}

export interface ModuleCall {
  readonly call: number;
  readonly value: Value;
}

export type ModuleMessage =
  | { readonly kind: 'ready' }
  /** The module cannot be used at all. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'done'; readonly call: number; readonly vector: Float32Array }
  | { readonly kind: 'failed'; readonly call: number; readonly reason: string };
