/** Resizes a picture to the size and the colours of a net's input, such that every row of its file is decoded. */
import type { Sharp } from 'sharp';
import { inputBytes, type Preprocessing } from '../table/definition.ts';

/** The picture to resize. */
export interface ResizeInput {
  readonly picture: Sharp;
  /** As stored, in pixels. */
  readonly width: number;
  readonly height: number;
  /** By EXIF, 1 to 8. */
  readonly orientation: number;
  /** The decoder reads only the requested rows: damage in others would go unnoticed. */
  readonly isLazy: boolean;
  /** The decoder can decode to a half, a quarter or an eighth of the size, as for JPEG. */
  readonly shrinksOnLoad: boolean;
}

const marginOf = ({ side, resizedSide }: Preprocessing) => Math.floor((resizedSide - side) / 2);

function resize(
  picture: Sharp,
  { resizedSide, kernel, background }: Preprocessing,
  fit: 'cover' | 'contain' | 'outside',
) {
  const shade = { r: background, g: background, b: background };
  return picture.resize(resizedSide, resizedSide, { fit, kernel, background: shade });
}

function colour(picture: Sharp, { colour: wanted, background }: Preprocessing): Sharp {
  const shade = { r: background, g: background, b: background };
  const upright = picture.autoOrient().flatten({ background: shade });
  return wanted === 'gray' ? upright.grayscale().toColourspace('b-w') : upright.toColourspace('srgb');
}

/** libvips crops: of an enlarged picture it computes only that part, and its last bits depend on that. */
function cropInLibvips(picture: Sharp, preprocessing: Preprocessing): Promise<Uint8Array> {
  const { side, fit } = preprocessing;
  const margin = marginOf(preprocessing);
  const resized = resize(colour(picture, preprocessing), preprocessing, fit);
  const framed =
    margin === 0 ? resized : resized.extract({ left: margin, top: margin, width: side, height: side });
  return framed.raw().toBuffer();
}

/** Size of a picture, in pixels. */
interface Size {
  readonly width: number;
  readonly height: number;
}

/** The factor by which sharp lets the decoder shrink the picture, for a resize to 1 / `ratio`. */
function shrinkOnLoad(ratio: number): number {
  const factor = [8, 4, 2].find((candidate) => ratio >= candidate) ?? 1;
  // Decoding alone would reach exactly that ratio; libjpeg rounds.
  return factor > 1 && Math.floor(ratio) === factor ? factor / 2 : factor;
}

/** The exact size of libvips' result for a picture whose shorter side becomes `resizedSide`. */
function resizedSize({ width, height, shrinksOnLoad }: ResizeInput, { resizedSide }: Preprocessing): Size {
  const factor = shrinksOnLoad ? shrinkOnLoad(Math.min(width, height) / resizedSide) : 1;
  const [columns, rows] = [Math.floor(width / factor), Math.floor(height / factor)];
  const ratio = Math.min(columns, rows) / resizedSide;
  return { width: Math.round(columns / ratio), height: Math.round(rows / ratio) };
}

/** Resizes the visible part and the rows below it: the same bits, with every row decoded. */
async function cropAfterLastRow(subject: ResizeInput, preprocessing: Preprocessing): Promise<Uint8Array> {
  const { side, resizedSide } = preprocessing;
  const resized = resizedSize(subject, preprocessing);
  const offsetOf = (length: number) => Math.ceil((length - resizedSide) / 2) + marginOf(preprocessing);
  const [left, top] = [offsetOf(resized.width), offsetOf(resized.height)];
  const pixels = await resize(colour(subject.picture, preprocessing), preprocessing, 'outside')
    .extract({ left, top, width: side, height: resized.height - top })
    .raw()
    .toBuffer();
  return pixels.subarray(0, inputBytes(preprocessing));
}

/** Above this, rows below the visible part are not kept in memory. */
const mostPixels = 2 ** 24;

function canReachLastRow(
  { width, height, orientation }: ResizeInput,
  { resizedSide }: Preprocessing,
): boolean {
  const isReduced = Math.min(width, height) >= resizedSide;
  return orientation === 1 && isReduced && (resizedSide ** 2 * height) / width <= mostPixels;
}

/** Rows that the kernel reads beyond the visible part. */
const kernelRows = 2;

/** Whether rows at the end of the file would not be decoded; a rotated picture is decoded whole. */
function missesRows(subject: ResizeInput, { side, resizedSide }: Preprocessing): boolean {
  const { width, height, orientation } = subject;
  if (orientation > 2) return false;
  const seen = Math.min(1, width / height) * (side / resizedSide);
  return (height * (1 - seen)) / 2 > kernelRows;
}

/** uint8 [side, side, channels]. Errors: those of libvips. */
export async function resizeAndCrop(subject: ResizeInput, preprocessing: Preprocessing): Promise<Uint8Array> {
  if (subject.isLazy && preprocessing.fit === 'cover' && missesRows(subject, preprocessing)) {
    if (canReachLastRow(subject, preprocessing)) return await cropAfterLastRow(subject, preprocessing);
    await subject.picture.clone().raw().toBuffer();
  }
  return await cropInLibvips(subject.picture, preprocessing);
}
