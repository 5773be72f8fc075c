/**
 * A TensorFlow.js layers model as files and as bytes: a `model.json` that describes the layers, and files with the weights, one
 * after another. For an engine, which runs in a thread and takes one block of weights, all of it is packed into one.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import type { InputAdaptation, OutputAdaptation } from '@headwater/extractors/nets';
import { z } from 'zod';

const weightSpec = z.looseObject({
  name: z.string(),
  shape: z.array(z.int().min(0)),
  dtype: z.enum(['float32', 'int32', 'bool', 'string', 'complex64']),
});
const modelFile = z.looseObject({
  modelTopology: z.looseObject({}),
  weightsManifest: z.array(z.looseObject({ paths: z.array(z.string()), weights: z.array(weightSpec) })),
});

export type WeightSpec = z.output<typeof weightSpec>;

export interface LayersModel {
  readonly modelTopology: Readonly<Record<string, unknown>>;
  readonly weightSpecs: readonly WeightSpec[];
  readonly weightData: Uint8Array<ArrayBuffer>;
}

/** A model with the adaptation of its input pixels and of its outputs. */
interface PackedNet {
  readonly model: LayersModel;
  readonly adaptation: InputAdaptation & OutputAdaptation;
}

function invalid(message: string, cause?: unknown): HeadwaterError {
  return new HeadwaterError('model-invalid', message, cause === undefined ? {} : { cause });
}

function parseModelFile(text: string, path: string) {
  try {
    return modelFile.parse(JSON.parse(text));
  } catch (cause) {
    throw invalid(`${path} is not the model.json of a TensorFlow.js layers model`, cause);
  }
}

/** Reads a weights file in the model's folder; files elsewhere are rejected. */
async function readShard(folder: string, name: string): Promise<Uint8Array> {
  const path = resolve(folder, name);
  if (!path.startsWith(`${resolve(folder)}${sep}`))
    throw invalid(`weights ${name} are outside of the model's folder`);
  return await readFile(path).catch((cause: unknown) => {
    throw invalid(`weights ${path} cannot be read`, cause);
  });
}

/** Reads a model.json and its weights. Errors: model-invalid. */
export async function readLayersModel(path: string): Promise<LayersModel> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw invalid(`model ${path} cannot be read`, cause);
  });
  const { modelTopology, weightsManifest } = parseModelFile(text, path);
  const shards: Uint8Array[] = [];
  for (const name of weightsManifest.flatMap(({ paths }) => paths))
    shards.push(await readShard(dirname(path), name));
  const weightSpecs = weightsManifest.flatMap(({ weights }) => weights);
  return { modelTopology, weightSpecs, weightData: joined(shards) };
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

/** Writes model.json and weights.bin into a folder, which is created if it is missing; `about` is additional metadata. */
export async function writeLayersModel(
  folder: string,
  { modelTopology, weightSpecs, weightData }: LayersModel,
  about: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const content = {
    format: 'layers-model',
    generatedBy: 'Headwater',
    userDefinedMetadata: about,
    modelTopology,
    weightsManifest: [{ paths: ['weights.bin'], weights: weightSpecs }],
  };
  await writeFile(join(folder, 'weights.bin'), weightData);
  await writeFile(join(folder, 'model.json'), `${JSON.stringify(content)}\n`);
}

/** Errors: model-invalid if weights are missing, NaN or infinite. */
export function checkLayersWeights({ weightSpecs, weightData }: LayersModel): void {
  const bytes = new DataView(weightData.buffer, weightData.byteOffset, weightData.byteLength);
  let at = 0;
  for (const spec of weightSpecs) {
    // Other types (quantised, strings) have other lengths, which the engine checks.
    if (spec.dtype !== 'float32' || spec.quantization !== undefined) return;
    const end = at + 4 * spec.shape.reduce((product, size) => product * size, 1);
    if (end > bytes.byteLength) throw invalid('the weights are truncated');
    for (; at < end; at += 4) {
      if (!Number.isFinite(bytes.getFloat32(at, true))) {
        throw invalid(`weight ${spec.name} contains NaN or infinity`);
      }
    }
  }
}

/** Length of the text as uint32, the text (JSON), the weights. */
export function packNet({ model, adaptation }: PackedNet): Uint8Array<ArrayBuffer> {
  const { modelTopology, weightSpecs, weightData } = model;
  const text = new TextEncoder().encode(JSON.stringify({ modelTopology, weightSpecs, adaptation }));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, text.byteLength, true);
  return joined([length, text, weightData]);
}

export function unpackNet(bytes: Uint8Array): PackedNet {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const text = new TextDecoder().decode(bytes.subarray(4, 4 + length));
  const { modelTopology, weightSpecs, adaptation } = JSON.parse(text);
  return { model: { modelTopology, weightSpecs, weightData: bytes.slice(4 + length) }, adaptation };
}
