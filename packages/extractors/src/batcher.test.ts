import { HeadwaterError } from '@headwater/errors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Batcher, type BatcherOptions } from './batcher.ts';
import type { Engine } from './engines/api.ts';

const failing = 254;
const notFinite = 253;

/** Returns the only pixel of each image; `hold` controls when calls end. */
function fakeEngine(hold: Promise<void> = Promise.resolve()) {
  const calls: number[][] = [];
  const engine: Engine = {
    name: 'fake',
    async run(pixels) {
      const images = [...pixels];
      calls.push(images);
      await hold;
      if (images.includes(failing)) throw new HeadwaterError('extractor-failed', 'on demand');
      return Float32Array.from(images, (value) => (value === notFinite ? Number.NaN : value));
    },
    close: async () => {},
  };
  return { engine, calls };
}

function batcherOf(engine: Engine, options: Partial<BatcherOptions> = {}): Batcher {
  return new Batcher(engine, {
    batchSize: 4,
    lingerMs: 5,
    imageBytes: 1,
    dimensions: 1,
    hasArrivals: () => false,
    ...options,
  });
}

const answersOf = (batcher: Batcher, images: readonly number[]) =>
  Promise.all(images.map(async (image) => (await batcher.add(Uint8Array.of(image)))[0]));

describe('the batcher', () => {
  it('gives every caller its own vector, in batches of at most the given size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 9 }),
        async (images, batchSize) => {
          const { engine, calls } = fakeEngine();
          expect(await answersOf(batcherOf(engine, { batchSize }), images)).toEqual(images);
          expect(calls.flat()).toEqual(images);
          expect(Math.max(...calls.map((call) => call.length))).toBeLessThanOrEqual(batchSize);
        },
      ),
    );
  });

  it('does not wait when no other image is on its way', async () => {
    const { engine, calls } = fakeEngine();
    const batcher = batcherOf(engine, { lingerMs: 1_000_000 });
    expect(await answersOf(batcher, [7])).toEqual([7]);
    expect(calls).toEqual([[7]]);
  });

  it('waits for images on their way until the batch is full', async () => {
    const { engine, calls } = fakeEngine();
    const batcher = batcherOf(engine, { lingerMs: 1_000_000, hasArrivals: () => true });
    expect(await answersOf(batcher, [1, 2, 3, 4])).toEqual([1, 2, 3, 4]);
    expect(calls).toEqual([[1, 2, 3, 4]]);
  });

  it('waits no longer than the linger time', async () => {
    const { engine, calls } = fakeEngine();
    const batcher = batcherOf(engine, { lingerMs: 20, hasArrivals: () => true });
    expect(await answersOf(batcher, [1, 2])).toEqual([1, 2]);
    expect(calls).toEqual([[1, 2]]);
  });

  it('runs when an expected image will not arrive', async () => {
    const { engine } = fakeEngine();
    let expected = true;
    const batcher = batcherOf(engine, { lingerMs: 1_000_000, hasArrivals: () => expected });
    const answer = batcher.add(Uint8Array.of(5));
    expected = false;
    batcher.flushIfDue();
    expect((await answer)[0]).toBe(5);
  });

  it('collects images while the engine is busy', async () => {
    let release = () => {};
    const hold = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { engine, calls } = fakeEngine(hold);
    const batcher = batcherOf(engine);
    const answers = answersOf(batcher, [1, 2, 3, 4, 5]);
    release();
    expect(await answers).toEqual([1, 2, 3, 4, 5]);
    expect(calls).toEqual([[1], [2, 3, 4, 5]]);
  });

  it('retries the images of a failed call alone, so that only the poison image fails', async () => {
    const { engine, calls } = fakeEngine();
    const batcher = batcherOf(engine, { lingerMs: 1_000_000, hasArrivals: () => true });
    const images = [1, failing, 3, 4];
    const settled = await Promise.allSettled(images.map((image) => batcher.add(Uint8Array.of(image))));
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect(settled[1]).toMatchObject({ reason: { code: 'extractor-failed' } });
    expect(calls).toEqual([images, [1], [failing], [3], [4]]);
  });

  it('rejects a vector that is not finite and no other of its batch', async () => {
    const { engine, calls } = fakeEngine();
    const batcher = batcherOf(engine, { lingerMs: 1_000_000, hasArrivals: () => true });
    const images = [1, notFinite, 3, 4];
    const settled = await Promise.allSettled(images.map((image) => batcher.add(Uint8Array.of(image))));
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect(settled[1]).toMatchObject({ reason: { code: 'vector-not-finite', verdict: 'dead-letter' } });
    expect(calls).toHaveLength(1);
  });

  it('drops an aborted image that waits and completes one that is in a call', async () => {
    let release = () => {};
    const hold = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { engine, calls } = fakeEngine(hold);
    const batcher = batcherOf(engine);
    const stop = new AbortController();
    const [inCall, waiting] = [1, 2].map((image) => batcher.add(Uint8Array.of(image), stop.signal));
    stop.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow('stopped');
    await expect(batcher.add(Uint8Array.of(3), stop.signal)).rejects.toThrow('stopped');
    release();
    expect(await inCall).toEqual(Float32Array.of(1));
    expect(calls).toEqual([[1]]);
  });

  it('does not retry when the engine is lost', async () => {
    let calls = 0;
    const engine: Engine = {
      name: 'lost',
      run: async () => {
        calls += 1;
        throw new HeadwaterError('model-invalid', 'gone');
      },
      close: async () => {},
    };
    await expect(batcherOf(engine).add(Uint8Array.of(1))).rejects.toMatchObject({ verdict: 'stop' });
    expect(calls).toBe(1);
  });
});
