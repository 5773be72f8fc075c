/** The bundled nets for tests: read from `models/`, run in ONNX Runtime. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';

const models = new URL('../../../../models/', import.meta.url);

export function readModelFile(path: string): Promise<Uint8Array> {
  return readFile(new URL(path, models));
}

/** `all` is the setting of the engine; `disabled` computes every node of the graph unchanged. */
export async function openNet(
  bytes: Uint8Array,
  graphOptimizationLevel: 'all' | 'disabled' = 'all',
): Promise<InferenceSession> {
  const options = { intraOpNumThreads: 1, logSeverityLevel: 3, graphOptimizationLevel } as const;
  return await InferenceSession.create(bytes, options);
}

/** Reproducible noise images, uint8 [count, side, side, channels]. */
export function noise(count: number, side: number, channels: number): Tensor {
  let state = 1;
  const pixels = Uint8Array.from({ length: count * side * side * channels }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
  return new Tensor('uint8', pixels, [count, side, side, channels]);
}

/** SHA-256 of the bits of a tensor; distinguishes zeros by sign. */
export function bitsOf(tensor: Tensor | undefined): string {
  const { buffer, byteOffset, byteLength } = (tensor?.data ?? new Float32Array()) as Float32Array;
  return createHash('sha256')
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest('hex');
}
