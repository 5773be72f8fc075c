/** The contract of every extractor of the table; each member runs all of it. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { releasedContracts } from '@headwater/schemas';
import { recordOf, smooth } from '@headwater/testing';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Extractor } from '../api.ts';
import { describeExtractor, describeWeights, extractorIds, openBuiltIn } from './table.ts';

const patterns = Promise.all(
  Array.from({ length: 16 }, (_, index) =>
    smooth(60 + 7 * index, 90)
      .rotate(90 * (index % 4))
      .modulate({ hue: 20 * index })
      .jpeg()
      .toBuffer(),
  ),
);

/** Four pictures of three faces, each in another size and light: a face costs ten times as much as an image of other nets. */
const faces = Promise.all(
  Array.from({ length: 4 }, async (_, index) => {
    const name = ['president-portrait', 'president-speech', 'astronaut'][index % 3] ?? '';
    return await sharp(
      await readFile(new URL(`../../../testing/src/images/faces/${name}.jpg`, import.meta.url)),
    )
      .resize({ width: 200 + 40 * index })
      .modulate({ brightness: 0.8 + 0.1 * index })
      .jpeg()
      .toBuffer();
  }),
);

const picturesOf = (id: string) => (id === 'face-features.v1' ? faces : patterns);

/** Weights that do not ship exist after `npm run models`; otherwise the extractor is reported as skipped. */
const isThere = (id: string) => {
  if (id === 'pixels.v1') return true;
  const { file, madeBy } = describeWeights(id);
  return madeBy === undefined || existsSync(new URL(`../../../../models/${id}/${file}`, import.meta.url));
};

/** Compares bits, not values: 0 and −0 differ here, as they do in a digest. */
const bitsOf = (vectors: readonly Float32Array[]) =>
  vectors.map(({ buffer, byteOffset, byteLength }) =>
    Buffer.from(buffer, byteOffset, byteLength).toString('base64'),
  );

/** Without an engine there are no calls that images could share. */
const hasEngine = ({ description }: Extractor) => description.id !== 'pixels.v1';

for (const id of extractorIds()) {
  describe.skipIf(!isThere(id))(id, () => describeContract(id));
}

function describeContract(id: string) {
  const pictures = picturesOf(id);
  let extractor: Extractor;
  beforeAll(async () => {
    extractor = await openBuiltIn(id, { threads: 1 });
  });
  afterAll(() => extractor.close());

  const extractAll = (images: readonly Uint8Array[], by = extractor) =>
    Promise.all(images.map((image) => by.extract(recordOf(image))));

  it('is described without being opened, with an id of name and version', () => {
    const description = describeExtractor(id);
    expect(description).toEqual(extractor.description);
    expect(`${description.name}.${description.version}`).toBe(id);
    expect(description.version).toMatch(/^v\d+$/);
    expect(description.digest).toMatch(/^[0-9a-f]{64}$/);
  });

  it('has the released vector contract', async () => {
    const released = (await releasedContracts()).find(({ extractor: of }) => of === id);
    expect(extractor.description.contract).toEqual(released);
  });

  it('returns finite float32 vectors of its contract that differ between images', async () => {
    const vectors = await extractAll(await pictures);
    for (const vector of vectors) {
      expect(vector).toBeInstanceOf(Float32Array);
      expect(vector).toHaveLength(extractor.description.contract.dimensions);
      expect(vector.every((value) => Number.isFinite(value))).toBe(true);
      expect(vector.byteLength).toBe(vector.buffer.byteLength);
    }
    expect(new Set(bitsOf(vectors)).size).toBe(vectors.length);
  });

  it('returns the same bits in batches of 1, 4, 8 and 16, in any order, with one thread or two', async () => {
    const images = await pictures;
    const alone: Float32Array[] = [];
    for (const image of images) alone.push(await extractor.extract(recordOf(image)));
    for (const [batchSize, threads] of [
      [1, 2],
      [4, 1],
      [8, 2],
      [16, 1],
    ] as const) {
      if (batchSize > images.length) continue;
      const sizes: number[] = [];
      const other = await openBuiltIn(id, {
        batchSize,
        threads,
        batchLingerMs: 10_000,
        onBatch: (size) => sizes.push(size),
      });
      const order = images.map((_, index) => (index * 7 + batchSize) % images.length);
      const vectors = await extractAll(
        order.map((index) => images[index] ?? new Uint8Array()),
        other,
      );
      await other.close();
      expect(bitsOf(vectors)).toEqual(bitsOf(order.map((index) => alone[index] ?? new Float32Array())));
      expect(Math.max(0, ...sizes)).toBe(hasEngine(extractor) ? batchSize : 0);
    }
  });

  it('rejects bad images each with its reason, and not their neighbours', async () => {
    const [good = Buffer.alloc(0)] = await pictures;
    const expected = await extractor.extract(recordOf(good));
    const settled = await Promise.allSettled([
      extractor.extract(recordOf(good)),
      extractor.extract(recordOf(good.subarray(0, good.length / 2))),
      extractor.extract(recordOf(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'))),
      extractor.extract(recordOf(good)),
    ]);
    const outcomes = settled.map((result) =>
      result.status === 'fulfilled' ? result.value : result.reason.code,
    );
    expect(outcomes).toEqual([expected, 'image-unreadable', 'image-type-unsupported', expected]);
  });

  it('describes its engine', () => {
    const engine = hasEngine(extractor) ? /^[a-z]+ \d+\.\d+\.\d+ \w+, 1 thread$/ : /, no engine$/;
    expect(extractor.engine).toMatch(engine);
  });
}
