/**
 * An extractor as data: its contract, its weights, and the preprocessing of images for the net. The digest covers this data, so
 * any change that affects a vector changes the digest.
 */
import { createHash } from 'node:crypto';
import type { ErrorCode } from '@headwater/errors';
import type { VectorContract } from '@headwater/schemas';
import type { ExtractorDescription } from '../api.ts';
import { decodeRevision } from '../images/decode-revision.ts';

/**
 * Converts a decoded image to the pixels of the net's input, uint8 [height, width, channels]. Every image is rotated by its
 * EXIF orientation, composed on `background` where it is transparent, and converted to sRGB or to gray.
 */
export interface Preprocessing {
  readonly colour: 'rgb' | 'gray';
  /** Side of the net's square input, in pixels. */
  readonly side: number;
  /**
   * `contain`: the whole image with its aspect ratio, centred on `background`. `cover`: the shorter side is resized to
   * `resizedSide` and the central `side` × `side` is kept.
   */
  readonly fit: 'contain' | 'cover';
  /** Side that the image is resized to before the centre is cropped; `side` for `contain`. */
  readonly resizedSide: number;
  readonly kernel: 'cubic';
  /** 0 black, 255 white. */
  readonly background: number;
}

export interface ExtractorDefinition {
  readonly contract: VectorContract;
  /** The weights: a file under `models/<id>/`, its required SHA-256, and the command that creates the file if it does not ship. */
  readonly weights: { readonly file: string; readonly sha256: string; readonly madeBy?: string };
  /** The place where the net is cut, e.g. the name of its output. */
  readonly cut: string;
  readonly preprocessing: Preprocessing;
  /** The error for NaN, for a net that returns it on purpose; by default `vector-not-finite`. */
  readonly notFinite?: { readonly code: ErrorCode; readonly message: string };
}

/** Channels of the net's input. */
export function channelsOf(preprocessing: Preprocessing): number {
  return preprocessing.colour === 'rgb' ? 3 : 1;
}

/** Bytes of one image in the net's input. */
export function inputBytes(preprocessing: Preprocessing): number {
  return preprocessing.side ** 2 * channelsOf(preprocessing);
}

/** SHA-256 of the weights' own SHA-256, the cut, the revision of decoding and the preprocessing, in one fixed order. */
export function digestOf(definition: ExtractorDefinition): string {
  const { colour, side, fit, resizedSide, kernel, background } = definition.preprocessing;
  const parts = ['headwater-extractor-2', definition.weights.sha256, definition.cut];
  parts.push(`${decodeRevision}`, colour, `${side}`, fit, `${resizedSide}`, kernel, `${background}`);
  return createHash('sha256').update(parts.join('\n')).digest('hex');
}

/** Splits the id at its last dot: `lenet-digits.v1` is version v1 of lenet-digits. */
export function describe(definition: ExtractorDefinition): ExtractorDescription {
  const id = definition.contract.extractor;
  const dot = id.lastIndexOf('.');
  return {
    id,
    name: id.slice(0, dot),
    version: id.slice(dot + 1),
    contract: definition.contract,
    digest: digestOf(definition),
  };
}
