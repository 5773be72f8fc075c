/** Real faces: the official photographs of `fixtures/faces` (see its README for the sources). */
import { readFile } from 'node:fs/promises';
import { gradient, recordOf } from '@headwater/testing';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EngineExtractor, openNet } from '../engine-extractor.ts';
import { faceFeatures } from './face-features.ts';

const photograph = (name: string) =>
  readFile(new URL(`../../../testing/src/images/faces/${name}.jpg`, import.meta.url));

let extractor: EngineExtractor;
beforeAll(async () => {
  extractor = await openNet(faceFeatures, { threads: 1 });
});
afterAll(() => extractor.close());

const describeFace = (image: Uint8Array) => extractor.extract(recordOf(image));

function distance(a: Float32Array, b: Float32Array): number {
  return Math.sqrt(a.reduce((sum, value, index) => sum + (value - (b[index] ?? 0)) ** 2, 0));
}

describe('a face', () => {
  it('is closer to another photograph of the same person than to one of another person', async () => {
    const [portrait, speech, astronaut] = await Promise.all(
      ['president-portrait', 'president-speech', 'astronaut'].map(async (name) =>
        describeFace(await photograph(name)),
      ),
    );
    if (!portrait || !speech || !astronaut) throw new Error('three photographs');
    expect(distance(portrait, speech)).toBeLessThan(0.55);
    expect(distance(portrait, astronaut)).toBeGreaterThan(0.7);
    expect(distance(speech, astronaut)).toBeGreaterThan(0.7);
  });

  it('has a similar vector when it is rotated, smaller, darker, or on a wide canvas', async () => {
    const image = await photograph('astronaut');
    const straight = await describeFace(image);
    const variants = [
      sharp(image).rotate(15, { background: 'black' }),
      sharp(image).resize({ width: 140 }),
      sharp(image).modulate({ brightness: 0.6 }),
      sharp(image).extend({ left: 150, right: 60, background: 'white' }),
    ];
    for (const variant of variants) {
      expect(distance(straight, await describeFace(await variant.png().toBuffer()))).toBeLessThan(0.4);
    }
  });
});

describe('several faces', () => {
  it('give the vector of the most prominent one, in any position', async () => {
    const large = await sharp(await photograph('astronaut'))
      .resize({ width: 400 })
      .png()
      .toBuffer();
    const small = await sharp(await photograph('president-portrait'))
      .resize({ width: 150 })
      .png()
      .toBuffer();
    const expected = await describeFace(large);
    for (const [smallLeft, largeLeft] of [
      [0, 200],
      [430, 0],
    ] as const) {
      const group = sharp({ create: { width: 620, height: 440, channels: 3, background: 'gray' } }).composite(
        [
          { input: small, left: smallLeft, top: 20 },
          { input: large, left: largeLeft, top: 5 },
        ],
      );
      expect(distance(expected, await describeFace(await group.png().toBuffer()))).toBeLessThan(0.4);
    }
  });
});

describe('no face', () => {
  it('is a dead letter with its own code and does not affect its neighbours', async () => {
    const settled = await Promise.allSettled([
      describeFace(await gradient(300, 200).png().toBuffer()),
      describeFace(await photograph('astronaut')),
    ]);
    expect(settled[0]).toMatchObject({ reason: { code: 'face-missing', verdict: 'dead-letter' } });
    expect(settled[1]?.status).toBe('fulfilled');
  });
});
