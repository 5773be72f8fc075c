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
  signature('image/avif', [4, 'ftypavif']),
  signature('image/avif', [4, 'ftypavis']),
];

function matches(image: Uint8Array, { parts }: Signature): boolean {
  return parts.every(({ at, bytes }) => bytes.every((byte, index) => image[at + index] === byte));
}

/** The media type of an encoded image; undefined when it is none that Headwater decodes. */
export function detectMediaType(image: Uint8Array): MediaType | undefined {
  return signatures.find((candidate) => matches(image, candidate))?.mediaType;
}
