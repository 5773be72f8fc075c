/**
 * The files that the bench decodes, made from a seed: soft shapes under fine grain, which take about as long to decode as photographs of
 * their size.
 */
import { createRequire } from 'node:module';

const sharp = createRequire(new URL('../../packages/extractors/package.json', import.meta.url))('sharp');

const sizes = [
  [500, 375],
  [375, 500],
  [1600, 1200],
  [1200, 1600],
];

/** Mulberry32: from 0 to 1. */
function randomOf(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function samples(width, height) {
  const random = randomOf(1);
  const bytes = Buffer.alloc(width * height * 3);
  for (let at = 0; at < bytes.length; at += 1) {
    const [x, y] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width)];
    const shape = Math.sin((9 * x) / width + (at % 3)) * Math.cos((7 * y) / height);
    bytes[at] = 128 + 70 * shape + 90 * (random() - 0.5);
  }
  return sharp(bytes, { raw: { width, height, channels: 3 } }).blur(0.7);
}

/** By name. */
export async function makePictures() {
  const jpegs = sizes.map(async ([width, height]) => [
    `${width} × ${height} JPEG`,
    await samples(width, height).jpeg({ quality: 90 }).toBuffer(),
  ]);
  const png = ['500 × 375 PNG', await samples(500, 375).png().toBuffer()];
  const high = ['375 × 500 PNG', await samples(375, 500).png().toBuffer()];
  return Object.fromEntries([...(await Promise.all(jpegs)), png, high]);
}
