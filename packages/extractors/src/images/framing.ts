/** A picture in the size and the colours of a net's input, and no row of its file undecoded. */
import type { Sharp } from 'sharp';
import type { Preprocessing } from '../extractors/definition.ts';

/** What is framed. */
export interface Subject {
  readonly picture: Sharp;
  /** As stored, in pixels. */
  readonly width: number;
  readonly height: number;
  /** By EXIF, 1 to 8. */
  readonly orientation: number;
  /** Its decoder reads only the rows that are asked for: damage in others would go unseen. */
  readonly isLazy: boolean;
}

interface RawPicture {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

const marginOf = ({ side, resizedSide }: Preprocessing) => Math.floor((resizedSide - side) / 2);

/** Cuts as libvips does where it cuts, also at odd sizes. */
function cutCentre(picture: RawPicture, preprocessing: Preprocessing): Uint8Array {
  const { data, width, height, channels } = picture;
  const { side, resizedSide } = preprocessing;
  const offsetOf = (length: number) => Math.ceil((length - resizedSide) / 2) + marginOf(preprocessing);
  const [left, top] = [offsetOf(width), offsetOf(height)];
  const bytes = side * channels;
  const rows = Buffer.allocUnsafe(side * bytes);
  for (let y = 0; y < side; y += 1) {
    const start = ((top + y) * width + left) * channels;
    data.copy(rows, y * bytes, start, start + bytes);
  }
  return rows;
}

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

/** libvips cuts: of an enlarged picture it works out that part alone, and its last bits depend on that. */
function frameByDecoder(picture: Sharp, preprocessing: Preprocessing): Promise<Uint8Array> {
  const { side, fit } = preprocessing;
  const margin = marginOf(preprocessing);
  const resized = resize(colour(picture, preprocessing), preprocessing, fit);
  const framed =
    margin === 0 ? resized : resized.extract({ left: margin, top: margin, width: side, height: side });
  return framed.raw().toBuffer();
}

/** The whole of a reduced picture is worked out, and cut here: the same bits, and every row was decoded. */
async function frameWhole(
  { picture, width, height }: Subject,
  preprocessing: Preprocessing,
): Promise<Uint8Array> {
  const fit = height > width ? 'outside' : 'cover';
  const resized = resize(colour(picture, preprocessing), preprocessing, fit);
  const { data, info } = await resized.raw().toBuffer({ resolveWithObject: true });
  return cutCentre({ ...info, data }, preprocessing);
}

/** Past this a picture is not resized whole before its ends are cut off. */
const mostPixels = 2 ** 24;

function canBeWhole({ width, height, orientation }: Subject, { resizedSide }: Preprocessing): boolean {
  const isReduced = Math.min(width, height) >= resizedSide;
  return orientation === 1 && isReduced && (resizedSide ** 2 * height) / width <= mostPixels;
}

/** Rows that the kernel reads beyond those that are seen. */
const kernelRows = 2;

/** Rows at the end of the file would not be decoded; what is turned is decoded whole. */
function missesRows(subject: Subject, { side, resizedSide }: Preprocessing): boolean {
  const { width, height, orientation } = subject;
  if (orientation > 2) return false;
  const seen = Math.min(1, width / height) * (side / resizedSide);
  return (height * (1 - seen)) / 2 > kernelRows;
}

/** uint8 [side, side, channels]. Errors: those of libvips. */
export async function framePicture(subject: Subject, preprocessing: Preprocessing): Promise<Uint8Array> {
  if (subject.isLazy && preprocessing.fit === 'cover' && missesRows(subject, preprocessing)) {
    if (canBeWhole(subject, preprocessing)) return await frameWhole(subject, preprocessing);
    await subject.picture.clone().raw().toBuffer();
  }
  return await frameByDecoder(subject.picture, preprocessing);
}
