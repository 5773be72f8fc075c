/** What an engine and its worker thread say to each other. Pixels and vectors change hands; they are never copied. */
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
  /** `code` where it is not the net that is at fault; `reason` then says all. */
  | { readonly kind: 'refused'; readonly reason: string; readonly code?: ErrorCode }
  | { readonly kind: 'done'; readonly call: number; readonly vectors: Float32Array<ArrayBuffer> }
  | { readonly kind: 'failed'; readonly call: number; readonly reason: string }
  /** It was stopped during a native call, has left it, and can be terminated. */
  | { readonly kind: 'stopped' };
