/** What an engine and its worker thread say to each other. Pixels and vectors change hands; they are never copied. */

export interface WorkerStart {
  readonly weights: Uint8Array;
  readonly inputShape: readonly number[];
  readonly dimensions: number;
  readonly output: string;
  readonly threads: number;
  readonly backend: string | undefined;
}

export interface RunRequest {
  readonly call: number;
  readonly pixels: Uint8Array<ArrayBuffer>;
  readonly count: number;
}

export type WorkerMessage =
  | { readonly kind: 'ready'; readonly name: string }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'done'; readonly call: number; readonly vectors: Float32Array<ArrayBuffer> }
  | { readonly kind: 'failed'; readonly call: number; readonly reason: string };
