import { HeadwaterError } from '@headwater/errors';
import { grayDigit, pattern, recordOf } from '@headwater/testing';
import { eventually as poll } from '@headwater/testing/eventually';
import { describe, expect, it } from 'vitest';
import { EngineExtractor } from './engine-extractor.ts';
import type { Engine } from './engines/api.ts';
import { openWorkerEngine } from './engines/worker-engine.ts';
import type { ExtractorOptions } from './options.ts';
import { lenetDigits } from './table/lenet-digits.ts';
import { openBuiltIn } from './table/table.ts';
import { readWeights } from './weights.ts';

const tiny = { ...lenetDigits, contract: { ...lenetDigits.contract, dimensions: 1 } };

/** Returns the sum of each image's pixels after `release`; NaN where the first pixel is 255. */
function heldEngine() {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const state = { images: 0, closed: false };
  const engine: Engine = {
    name: 'held',
    async run(pixels, count) {
      state.images += count;
      await held;
      return Float32Array.from({ length: count }, (_, index) => {
        const image = pixels.subarray(index * 784, (index + 1) * 784);
        return image[0] === 255 ? Number.NaN : image.reduce((sum, value) => sum + value, 0);
      });
    },
    close: async () => {
      state.closed = true;
    },
  };
  return { engine, state, release };
}

function openHeld(options: ExtractorOptions = {}) {
  const held = heldEngine();
  return { ...held, extractor: new EngineExtractor(tiny, held.engine, options) };
}

const digit = (seed = 0) => grayDigit(seed).png().toBuffer();

/** The time limit is that of the test. */
const until = (condition: () => boolean) => poll(condition, Number.POSITIVE_INFINITY);

describe('an extractor', () => {
  it('admits as many images as may be pending and makes the others wait', async () => {
    const batches: number[] = [];
    const { extractor, state, release } = openHeld({
      maxPending: 3,
      batchSize: 8,
      onBatch: (size) => batches.push(size),
    });
    const images = await Promise.all(Array.from({ length: 8 }, (_, seed) => digit(seed)));
    const running = images.map((image) => extractor.extract(recordOf(image)));
    await until(() => state.images > 0);
    release();
    expect(new Set((await Promise.all(running)).map(([sum]) => sum)).size).toBeGreaterThan(1);
    expect(batches.reduce((sum, size) => sum + size, 0)).toBe(8);
    expect(Math.max(...batches)).toBeLessThanOrEqual(3);
    await extractor.close();
  });

  it('releases its permit when an image fails', async () => {
    const { extractor, release } = openHeld({ maxPending: 1 });
    release();
    const bad = Array.from({ length: 5 }, () => extractor.extract(recordOf(Buffer.from('no image'))));
    for (const call of bad) await expect(call).rejects.toMatchObject({ code: 'image-type-unsupported' });
    expect(await extractor.extract(recordOf(await digit()))).toHaveLength(1);
  });

  it('lets a caller abort while it waits', async () => {
    const { extractor, release } = openHeld({ maxPending: 1 });
    const image = await digit();
    const first = extractor.extract(recordOf(image));
    const abort = new AbortController();
    const second = extractor.extract(recordOf(image), abort.signal);
    abort.abort(new Error('given up'));
    await expect(second).rejects.toThrow('given up');
    release();
    expect(await first).toHaveLength(1);
    expect(await extractor.extract(recordOf(image))).toHaveLength(1);
  });

  it('completes admitted images before it closes and rejects new ones', async () => {
    const { extractor, state, release } = openHeld({ maxPending: 1 });
    const image = await digit();
    const accepted = [extractor.extract(recordOf(image)), extractor.extract(recordOf(image))];
    const closed = extractor.close();
    await expect(extractor.extract(recordOf(image))).rejects.toMatchObject({
      code: 'overloaded',
      verdict: 'retry',
    });
    expect(state.closed).toBe(false);
    release();
    await closed;
    expect(state.closed).toBe(true);
    expect(await Promise.all(accepted)).toHaveLength(2);
    await extractor.close();
  });

  it('rejects a vector that is not finite', async () => {
    const { extractor, release } = openHeld();
    release();
    const white = await grayDigit().linear(0, 255).png().toBuffer();
    await expect(extractor.extract(recordOf(white))).rejects.toMatchObject({ code: 'vector-not-finite' });
  });

  it('rejects invalid options, all at once', () => {
    const { engine } = heldEngine();
    const options = { batchSize: 0, threads: 1.5, limits: { maxBytes: -1 } };
    expect(() => new EngineExtractor(tiny, engine, options)).toThrow(/batchSize, threads, maxBytes/);
  });
});

describe('an extractor whose engine crashes', () => {
  it('completes the other images and continues', async () => {
    const { preprocessing } = tiny;
    const engine = await openWorkerEngine(new URL('./engines/fixtures/faulty-worker.mjs', import.meta.url), {
      weights: new Uint8Array(),
      inputShape: [preprocessing.side, preprocessing.side, 1],
      dimensions: 1,
      output: 'sum',
      threads: 1,
      timeoutMs: 20_000,
    });
    const batches: number[] = [];
    const extractor = new EngineExtractor(tiny, engine, {
      batchLingerMs: 10_000,
      onBatch: (size) => batches.push(size),
    });
    // The worker ends its thread at an image whose first pixel is 251.
    const images = await Promise.all(
      [1, 2, 251, 3].map((first) =>
        pattern(28, 28, (x, y) => [x + y === 0 ? first : 1])
          .png()
          .toBuffer(),
      ),
    );
    const settled = await Promise.allSettled(images.map((image) => extractor.extract(recordOf(image))));
    const outcomes = settled.map((result) =>
      result.status === 'fulfilled' ? result.value[0] : result.reason.code,
    );
    expect(outcomes).toEqual([784, 785, 'extractor-failed', 786]);
    expect(batches).toEqual([1, 1, 1]);
    await extractor.close();
  });
});

describe('opening an extractor', () => {
  it('fails for an unknown id', async () => {
    await expect(openBuiltIn('resnet.v9')).rejects.toMatchObject({ code: 'extractor-unknown' });
  });

  it('verifies the digest of the weights', async () => {
    const other = { ...lenetDigits, weights: { ...lenetDigits.weights, file: 'net.onnx' } };
    await expect(readWeights(other)).rejects.toMatchObject({ code: 'model-invalid', verdict: 'stop' });
    const missing = { ...lenetDigits, weights: { ...lenetDigits.weights, file: 'nowhere.onnx' } };
    await expect(readWeights(missing)).rejects.toThrow(HeadwaterError);
  });

  it('returns vectors on the real engine', async () => {
    const extractor = await openBuiltIn('lenet-digits.v1');
    expect(await extractor.extract(recordOf(await digit()))).toHaveLength(800);
    await extractor.close();
  });
});
