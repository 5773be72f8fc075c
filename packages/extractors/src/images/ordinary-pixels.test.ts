/**
 * Pins the pixels of ordinary files, from which stored vectors were computed. If a change is intended (another libvips, another
 * rule), increase `decodeRevision` and record new hashes.
 */
import { createHash } from 'node:crypto';
import { smooth } from '@headwater/testing';
import sharp, { type Sharp } from 'sharp';
import { expect, it } from 'vitest';
import { efficientnetLite0 } from '../table/efficientnet-lite0.ts';
import { lenetDigits } from '../table/lenet-digits.ts';
import { decodeImage } from './decoder.ts';
import { defaultLimits } from './limits.ts';

const landscape = smooth(311, 203).png().toBuffer();
const portrait = smooth(150, 500).png().toBuffer();

type Case = readonly [name: string, source: Promise<Buffer>, encode: (image: Sharp) => Sharp];

const cases: readonly Case[] = [
  ['JPEG', landscape, (image) => image.jpeg()],
  ['JPEG, portrait', portrait, (image) => image.jpeg()],
  ['large JPEG', landscape, (image) => image.resize(1600, 1200).jpeg()],
  ['progressive JPEG', landscape, (image) => image.jpeg({ progressive: true })],
  ['gray JPEG', landscape, (image) => image.grayscale().jpeg()],
  ['CMYK JPEG', landscape, (image) => image.toColourspace('cmyk').jpeg()],
  ['JPEG with a profile', landscape, (image) => image.withIccProfile('p3').jpeg()],
  ['JPEG on its side', landscape, (image) => image.withMetadata({ orientation: 6 }).jpeg()],
  ['JPEG on its side, portrait', portrait, (image) => image.withMetadata({ orientation: 8 }).jpeg()],
  ['PNG', landscape, (image) => image.png()],
  ['PNG, portrait', portrait, (image) => image.png()],
  ['gray PNG', landscape, (image) => image.grayscale().png()],
  ['PNG with a palette', landscape, (image) => image.png({ palette: true, colours: 32 })],
  ['PNG with alpha', landscape, (image) => image.ensureAlpha(0.4).png()],
  ['PNG with a profile', landscape, (image) => image.withIccProfile('p3').png()],
  ['16-bit PNG', landscape, (image) => image.toColourspace('rgb16').png()],
  ['WebP', landscape, (image) => image.webp()],
  ['WebP, portrait', portrait, (image) => image.webp()],
  ['lossless WebP with alpha', landscape, (image) => image.ensureAlpha(0.4).webp({ lossless: true })],
  ['GIF', landscape, (image) => image.gif()],
  ['TIFF', landscape, (image) => image.tiff({ compression: 'lzw' })],
  ['TIFF with alpha', portrait, (image) => image.ensureAlpha(0.4).tiff({ compression: 'deflate' })],
  ['AVIF', landscape, (image) => image.avif({ effort: 0 })],
];

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

async function hashes(image: Buffer): Promise<string> {
  const preprocessings = [lenetDigits.preprocessing, efficientnetLite0.preprocessing];
  const pixels = await Promise.all(
    preprocessings.map((preprocessing) => decodeImage(image, preprocessing, defaultLimits)),
  );
  return pixels.map(hashOf).join(' ');
}

/** Of gray 28 × 28, and of RGB 224 × 224. */
const recorded: Readonly<Record<string, string>> = {
  JPEG: 'ab13bc1a59206279 716e6ca59dc96d67',
  'JPEG, portrait': 'e13f0488337b2d55 6b236fdf9beeb1be',
  'large JPEG': 'a48f8c6aef4beb5f 6fcfcabffa8fba2c',
  'progressive JPEG': 'ab13bc1a59206279 716e6ca59dc96d67',
  'gray JPEG': '704f6036f7005225 a5ccb186c84fefa6',
  'CMYK JPEG': 'ce1cb5772c4c8b83 c05b6ee696777b4f',
  'JPEG with a profile': '847159545e7d16d1 70a30939b27d7bf4',
  'JPEG on its side': 'a8225e71497ece0d 97220284d76ce9a7',
  'JPEG on its side, portrait': 'a34fae7afc29b462 9f160801de03ee5e',
  PNG: '367b1a725b0e07d1 9fbd9694d5bc3d47',
  'PNG, portrait': 'a61c440e5aa50b6b 05cd5837fb7f6aba',
  'gray PNG': '367b1a725b0e07d1 d50242333d292c7b',
  'PNG with a palette': 'a41355733c4da325 70846bb29615f3da',
  'PNG with alpha': 'e0e5748760c28fef 444ea7ca4b13a7ba',
  'PNG with a profile': '213e0ce9bf8ad000 e3ad04e6990802a2',
  '16-bit PNG': '8ab79f8e03a5268c 27b2d08d2585ae3c',
  WebP: 'd9006050186826fb 1d0d9bad64045619',
  'WebP, portrait': 'd249edc3ae046baf 52ab3abc73e1ef6d',
  'lossless WebP with alpha': 'bfa4c19b7d8caf60 444ea7ca4b13a7ba',
  GIF: '94e1fae071ffc031 f9d6a1ee8b52d610',
  TIFF: '367b1a725b0e07d1 9fbd9694d5bc3d47',
  'TIFF with alpha': '56a4148dc536a91f 0f2f88c5bd86f293',
  AVIF: 'e6f08182c71c96f4 6db7546bdb02dbd0',
};

/** Other processors may round differently. */
it.runIf(process.arch === 'x64').each(cases)(
  'keeps the pixels of this file: %s',
  async (name, source, encode) => {
    expect(await hashes(await encode(sharp(await source)).toBuffer())).toBe(recorded[name]);
  },
);
