/**
 * What a file is, by looking at its bytes. Names and content types lie; and a decoder must never be
 * handed a format that it was not chosen for (SVG and PDF can read files and fetch addresses).
 */

export type MediaType = 'image/jpeg' | 'image/png' | 'image/webp' | 'image/gif' | 'image/tiff' | 'image/avif';

interface Signature {
  readonly mediaType: MediaType;
  readonly parts: readonly { readonly at: number; readonly bytes: Buffer }[];
}

function signature(mediaType: MediaType, ...parts: readonly (readonly [number, string])[]): Signature {
  return { mediaType, parts: parts.map(([at, bytes]) => ({ at, bytes: Buffer.from(bytes, 'latin1') })) };
}

const signatures: readonly Signature[] = [
  signature('image/jpeg', [0, '\xff\xd8\xff']),
  signature('image/png', [0, '\x89PNG\r\n\x1a\n']),
  signature('image/webp', [0, 'RIFF'], [8, 'WEBP']),
  signature('image/gif', [0, 'GIF87a']),
  signature('image/gif', [0, 'GIF89a']),
  signature('image/tiff', [0, 'II*\0']),
  signature('image/tiff', [0, 'MM\0*']),
  signature('image/tiff', [0, 'II+\0']),
  signature('image/tiff', [0, 'MM\0+']),
];

const avifBrands = new Set(['avif', 'avis']);

/** An ISO base media file whose major brand, or a compatible one, says AVIF. HEIC, of the same family, is not decoded. */
function isAvif(image: Uint8Array): boolean {
  const box = Buffer.from(image.buffer, image.byteOffset, Math.min(image.byteLength, 256));
  if (box.length < 16 || box.toString('latin1', 4, 8) !== 'ftyp') return false;
  const end = Math.min(box.readUInt32BE(0), box.length);
  // Four bytes at 12 are the minor version; after them come the compatible brands.
  for (let at = 8; at + 4 <= end; at += at === 8 ? 8 : 4) {
    if (avifBrands.has(box.toString('latin1', at, at + 4))) return true;
  }
  return false;
}

function matches(image: Uint8Array, { parts }: Signature): boolean {
  return parts.every(({ at, bytes }) => bytes.every((byte, index) => image[at + index] === byte));
}

/** The media type of an encoded image; undefined when it is none that Headwater decodes. */
export function detectMediaType(image: Uint8Array): MediaType | undefined {
  const known = signatures.find((candidate) => matches(image, candidate))?.mediaType;
  return known ?? (isAvif(image) ? 'image/avif' : undefined);
}
