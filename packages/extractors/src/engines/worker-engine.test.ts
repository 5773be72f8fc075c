import { describe, expect, it, onTestFinished } from 'vitest';
import type { EngineOptions } from './api.ts';
import { openWorkerEngine } from './worker-engine.ts';

const file = new URL('./fixtures/faulty-worker.mjs', import.meta.url);
const exits = 251;
const throws = 252;
const hangs = 253;
const fails = 254;

async function open(options: Partial<EngineOptions> = {}) {
  const engine = await openWorkerEngine(file, {
    weights: new Uint8Array(),
    inputShape: [2, 2, 1],
    dimensions: 1,
    output: 'sum',
    threads: 1,
    timeoutMs: 20_000,
    ...options,
  });
  onTestFinished(() => engine.close());
  return engine;
}

const images = (...firsts: number[]) => Uint8Array.from(firsts.flatMap((first) => [first, 1, 1, 1]));

describe('an engine in a worker thread', () => {
  it('returns the vectors of a batch and transfers its pixels', async () => {
    const engine = await open();
    const pixels = images(1, 2, 3);
    expect(await engine.run(pixels, 3)).toEqual(Float32Array.of(4, 5, 6));
    expect(pixels.byteLength).toBe(0);
    expect(engine.name).toBe('faulty 1.0');
  });

  it.each([
    ['exits', exits],
    ['throws outside of a call', throws],
    ['fails', fails],
  ])('rejects the call of a worker that %s, and continues', async (_, first) => {
    const engine = await open();
    await expect(engine.run(images(1, first), 2)).rejects.toMatchObject({ code: 'extractor-failed' });
    expect(await engine.run(images(7), 1)).toEqual(Float32Array.of(10));
  });

  it('replaces a worker that hangs', async () => {
    const engine = await open({ timeoutMs: 1_000 });
    await expect(engine.run(images(hangs), 1)).rejects.toMatchObject({
      code: 'extractor-failed',
      message: expect.stringContaining('1000 ms'),
    });
    expect(await engine.run(images(7), 1)).toEqual(Float32Array.of(10));
  });

  it('does not open on a worker that rejects its net or is missing', async () => {
    await expect(open({ output: 'refuse' })).rejects.toMatchObject({ code: 'model-invalid' });
    const nowhere = new URL('./fixtures/nowhere.mjs', import.meta.url);
    const options = {
      weights: new Uint8Array(),
      inputShape: [2, 2, 1],
      dimensions: 1,
      output: 'sum',
    } as const;
    await expect(
      openWorkerEngine(nowhere, { ...options, threads: 1, timeoutMs: 1000 }),
    ).rejects.toMatchObject({ code: 'model-invalid' });
  });

  it('rejects the current call when it is closed', async () => {
    const engine = await open();
    const call = expect(engine.run(images(hangs), 1)).rejects.toMatchObject({ code: 'extractor-failed' });
    await engine.close();
    await call;
    await expect(engine.run(images(1), 1)).rejects.toMatchObject({ code: 'extractor-failed' });
  });
});
