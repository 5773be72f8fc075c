/**
 * Makes an extractor of a net file: the model is checked, cut, and given its preprocessing, so that what is wrong with it is said
 * at start, in words about the file, and not by the first image.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import { channelsOf, type ExtractorDefinition, type Preprocessing } from '../../extractors/definition.ts';
import { type Model, readModel } from '../onnx/graph.ts';
import { writeModel } from '../onnx/model-bytes.ts';
import { adaptNet, type InputAdaptation, vectorName } from '../onnx/preprocessing.ts';
import { probeTypes } from '../onnx/probe.ts';
import { cutAfter } from '../onnx/surgery.ts';
import type { TensorType } from '../onnx/value-info.ts';
import { checkWeights } from '../onnx/weights.ts';
import { type NetFile, readNetFile } from './net-file.ts';

export interface OwnNet {
  readonly definition: ExtractorDefinition;
  /** The net that the engine runs: uint8 [N, side, side, channels] to float32 [N, dimensions]. */
  readonly weights: Uint8Array;
  /** Whether the net takes one image at a time only. */
  readonly single: boolean;
}

interface Place {
  readonly name: string;
  readonly type: TensorType;
}

function invalid(message: string, context: Readonly<Record<string, string>> = {}): HeadwaterError {
  return new HeadwaterError('model-invalid', message, { context });
}

function shapeText(shape: TensorType['shape']): string {
  return shape ? `[${shape.join(', ')}]` : 'of any shape';
}

export function preprocessingOf({ input }: NetFile): Preprocessing {
  const { size, colour, fit, crop, background } = input;
  return {
    colour: colour === 'gray' ? 'gray' : 'rgb',
    side: size,
    fit,
    resizedSide: fit === 'cover' ? Math.round(size / crop) : size,
    kernel: 'cubic',
    background,
  };
}

/** The net's only input. Errors: model-invalid when there are more, or when images do not fit it. */
function inputOf(model: Model, file: NetFile, types: ReadonlyMap<string, TensorType>): Place {
  const weights = new Set(model.graph.initializers.map(({ name }) => name));
  const [input, ...more] = model.graph.inputs.filter(({ name }) => !weights.has(name));
  if (!input || more.length > 0) throw invalid('The model must have one input: an image.');
  const type = types.get(input.name);
  const { size, layout } = file.input;
  const channels = channelsOf(preprocessingOf(file));
  const wanted = layout === 'NCHW' ? [channels, size, size] : [size, size, channels];
  const found = type?.shape;
  const fits =
    found?.length === 4 &&
    wanted.every((length, index) => typeof found[index + 1] === 'string' || found[index + 1] === length);
  if (!type || !fits) {
    const message = `The model takes ${input.name} ${shapeText(found)}, the net file says ${shapeText(['N', ...wanted])} (${layout}).`;
    throw invalid(message);
  }
  return { name: input.name, type };
}

function outputOf(model: Model, file: NetFile, types: ReadonlyMap<string, TensorType>): Place {
  const [output, ...more] = model.graph.outputs;
  if (!output || more.length > 0) {
    const names = model.graph.outputs.map(({ name }) => name).join(', ');
    throw invalid(`The model has several outputs (${names}): name one in output.tensor.`);
  }
  const type = types.get(output.name);
  if (type) return { name: output.name, type };
  throw invalid(`The output ${file.output.tensor ?? output.name} is no tensor.`);
}

/** Numbers of one image's vector. Errors: model-invalid. */
function dimensionsOf({ name, type }: Place, file: NetFile): number {
  const sizes = type.shape?.slice(1);
  const known = sizes?.every((size): size is number => typeof size === 'number');
  const stated = file.output.dimensions;
  const found = known && sizes ? (sizes as number[]).reduce((product, size) => product * size, 1) : undefined;
  if (found === undefined && stated === undefined) {
    throw invalid(
      `The model does not tell how long ${name} ${shapeText(type.shape)} is: say it in output.dimensions.`,
    );
  }
  if (found !== undefined && stated !== undefined && found !== stated) {
    throw invalid(`The tensor ${name} holds ${found} numbers an image, the net file says ${stated}.`);
  }
  return stated ?? found ?? 0;
}

/** Errors: model-invalid where the number of images is fixed, and not to one. */
function takesOne({ type }: Place): boolean {
  const batch = type.shape?.[0];
  if (typeof batch !== 'number' || batch === 1) return batch === 1;
  throw invalid(
    `The model takes exactly ${batch} images at once: export it with a free first dimension, or 1.`,
  );
}

function fill(values: readonly number[], channels: number): number[] {
  return Array.from({ length: channels }, (_, index) => values[index] ?? values[0] ?? 0);
}

function adaptationOf(file: NetFile): InputAdaptation {
  const { size, colour, layout, scale, mean, std } = file.input;
  const channels = colour === 'gray' ? 1 : 3;
  return {
    side: size,
    channels,
    layout,
    order: colour,
    scale,
    mean: fill(mean, channels),
    std: fill(std, channels),
  };
}

function definitionOf(file: NetFile, bytes: Uint8Array, dimensions: number): ExtractorDefinition {
  return {
    contract: {
      extractor: file.id,
      dimensions,
      elementType: 'float32',
      byteOrder: 'little-endian',
      normalization: file.output.normalization,
      description: file.description,
    },
    engine: 'onnx',
    weights: { file: basename(file.model), sha256: createHash('sha256').update(bytes).digest('hex') },
    cut: vectorName,
    preprocessing: preprocessingOf(file),
  };
}

/** Builds the net that a file describes out of the model's bytes. Errors: model-invalid, config-invalid. */
export async function buildOwnNet(file: NetFile, bytes: Uint8Array): Promise<OwnNet> {
  const whole = readModel(bytes);
  checkWeights(whole);
  const types = await probeTypes(whole);
  const model = file.output.tensor === undefined ? whole : cutAfter(whole, file.output.tensor, types);
  const input = inputOf(model, file, types);
  const output = outputOf(model, file, types);
  const dimensions = dimensionsOf(output, file);
  const adapted = adaptNet(
    model,
    input,
    { name: output.name, dimensions },
    { ...adaptationOf(file), normalization: file.output.normalization },
  );
  const weights = writeModel(adapted);
  return {
    weights,
    definition: definitionOf(file, weights, dimensions),
    single: takesOne(input),
  };
}

/** Reads a net file and its model. Errors: config-invalid, model-invalid. */
export async function readOwnNet(path: string): Promise<OwnNet> {
  const file = await readNetFile(path);
  const modelPath = resolve(dirname(path), file.model);
  const bytes = await readFile(modelPath).catch((cause: unknown) => {
    throw new HeadwaterError('model-invalid', `The model ${modelPath} can't be read.`, { cause });
  });
  return await buildOwnNet(file, bytes);
}
