/** The file formats that are taken in, most frequent first. */
import type { ImageFormat } from './api.ts';
import { avif } from './avif.ts';
import { gif } from './gif.ts';
import { jpeg } from './jpeg.ts';
import { png } from './png.ts';
import { tiff } from './tiff.ts';
import { webp } from './webp.ts';

export const imageFormats: readonly ImageFormat[] = [jpeg, png, webp, gif, tiff, avif];
