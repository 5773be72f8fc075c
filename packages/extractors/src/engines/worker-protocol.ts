/** The messages between an engine and its worker thread. Pixels and vectors are transferred, never copied. */
import type { ErrorCode } from '@headwater/errors';
import type { Provider } from './api.ts';
import type { NativeCallFlags } from './native-calls.ts';

export interface WorkerStart {
  readonly weights: Uint8Array;
  readonly inputShape: readonly number[];
  readonly dimensions: number;
  readonly output: string;
  readonly threads: number;
  readonly backend: string | undefined;
  readonly provider: Provider;
  /** For engines that must not be terminated during a call. */
  readonly nativeCalls: NativeCallFlags;
}

export interface RunRequest {
  readonly call: number;
  readonly pixels: Uint8Array<ArrayBuffer>;
  readonly count: number;
}

export type WorkerMessage =
  | { readonly kind: 'ready'; readonly name: string; readonly notes?: readonly string[] }
  /** `code` if the net is not at fault; `reason` is then the complete message. */
  | { readonly kind: 'refused'; readonly reason: string; readonly code?: ErrorCode }
  | { readonly kind: 'done'; readonly call: number; readonly vectors: Float32Array<ArrayBuffer> }
  | { readonly kind: 'failed'; readonly call: number; readonly reason: string }
  /** The thread was stopped during a native call, has left it, and can be terminated. */
  | { readonly kind: 'stopped' };
