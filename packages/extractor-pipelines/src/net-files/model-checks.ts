/**
 * Checks a net file against its model: sizes, colours, dimensions. The same for every kind of model; errors refer to the
 * entries of the file.
 */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import {
  channelsOf,
  type ExtractorDefinition,
  type OpenEngine,
  type Preprocessing,
} from '@headwater/extractors';
import type { InputAdaptation, OutputAdaptation, TensorType } from '@headwater/extractors/nets';
import type { NetFile } from './net-file.ts';

export interface UserNet {
  readonly definition: ExtractorDefinition;
  /** The input of the engine: uint8 [N, side, side, channels] to float32 [N, dimensions]. */
  readonly weights: Uint8Array;
  readonly openEngine: OpenEngine;
  /** Whether the net takes one image at a time only. */
  readonly single: boolean;
}

/** A tensor of a net. */
export interface Place {
  readonly name: string;
  readonly type: TensorType;
}

export function invalid(message: string): HeadwaterError {
  return new HeadwaterError('model-invalid', message);
}

function shapeText(shape: TensorType['shape']): string {
  return shape ? `[${shape.join(', ')}]` : 'of any shape';
}

function preprocessingOf({ input }: NetFile): Preprocessing {
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

/** Errors: model-invalid if images do not fit the net's input. */
export function checkInput({ name, type }: Place, file: NetFile): void {
  const { size, layout } = file.input;
  const channels = channelsOf(preprocessingOf(file));
  const wanted = layout === 'NCHW' ? [channels, size, size] : [size, size, channels];
  const found = type.shape;
  const fits =
    found?.length === 4 &&
    wanted.every((length, index) => typeof found[index + 1] === 'string' || found[index + 1] === length);
  if (fits) return;
  throw invalid(
    `the model takes ${name} ${shapeText(found)}, the net file states ${shapeText(['N', ...wanted])} (${layout})`,
  );
}

/** Dimensions of one image's vector. Errors: model-invalid. */
export function dimensionsOf({ name, type }: Place, file: NetFile): number {
  const sizes = type.shape?.slice(1);
  const known = sizes?.every((size): size is number => typeof size === 'number');
  const stated = file.output.dimensions;
  const found = known && sizes ? (sizes as number[]).reduce((product, size) => product * size, 1) : undefined;
  if (found === undefined && stated === undefined) {
    throw invalid(
      `the model does not state the length of ${name} ${shapeText(type.shape)}; set output.dimensions`,
    );
  }
  if (found !== undefined && stated !== undefined && found !== stated) {
    throw invalid(`tensor ${name} has ${found} numbers per image, the net file states ${stated}`);
  }
  return stated ?? found ?? 0;
}

/** Errors: model-invalid if the batch size is fixed, and not to one. */
export function takesOne({ type }: Place): boolean {
  const batch = type.shape?.[0];
  if (typeof batch !== 'number' || batch === 1) return batch === 1;
  throw invalid(
    `the model takes exactly ${batch} images at once; export it with a free first dimension, or 1`,
  );
}

function fill(values: readonly number[], channels: number): number[] {
  return Array.from({ length: channels }, (_, index) => values[index] ?? values[0] ?? 0);
}

export function adaptationOf(file: NetFile): InputAdaptation & OutputAdaptation {
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
    normalization: file.output.normalization,
  };
}

/** `bytes` is the input of the engine, so that the digest covers the complete processing of an image. */
export function definitionOf(
  file: NetFile,
  bytes: Uint8Array,
  dimensions: number,
  cut: string,
): ExtractorDefinition {
  return {
    contract: {
      extractor: file.id,
      dimensions,
      elementType: 'float32',
      byteOrder: 'little-endian',
      normalization: file.output.normalization,
      description: file.description,
    },
    cut,
    weights: { file: basename(file.model), sha256: createHash('sha256').update(bytes).digest('hex') },
    preprocessing: preprocessingOf(file),
  };
}
