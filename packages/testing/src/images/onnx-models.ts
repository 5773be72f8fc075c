/** The nets that ship, as tests need them: read from `models/`, run in ONNX Runtime. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';

const models = new URL('../../../../models/', import.meta.url);

export function readModelFile(path: string): Promise<Uint8Array> {
  return readFile(new URL(path, models));
}

/** `all` is what the engine runs; with `disabled` every node is computed as it stands in the graph. */
export async function openNet(
  bytes: Uint8Array,
  graphOptimizationLevel: 'all' | 'disabled' = 'all',
): Promise<InferenceSession> {
  const options = { intraOpNumThreads: 1, logSeverityLevel: 3, graphOptimizationLevel } as const;
  return await InferenceSession.create(bytes, options);
}

/** Pictures that are the same every time, uint8 [count, side, side, channels]. */
export function noise(count: number, side: number, channels: number): Tensor {
  let state = 1;
  const pixels = Uint8Array.from({ length: count * side * side * channels }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
  return new Tensor('uint8', pixels, [count, side, side, channels]);
}

/** SHA-256 of a tensor's values, bit by bit: zeros of either sign are told apart. */
export function bitsOf(tensor: Tensor | undefined): string {
  const { buffer, byteOffset, byteLength } = (tensor?.data ?? new Float32Array()) as Float32Array;
  return createHash('sha256')
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest('hex');
}
