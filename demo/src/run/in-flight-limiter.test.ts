import { describe, expect, it } from 'vitest';
import { createInFlightLimiter } from './in-flight-limiter.ts';

const { signal } = new AbortController();

describe('the in-flight limiter', () => {
  it('blocks at its limit until one is released', async () => {
    const limiter = createInFlightLimiter<number>(2);
    await limiter.acquire('a', 1, signal);
    await limiter.acquire('b', 2, signal);
    let departed = false;
    const third = limiter.acquire('c', 3, signal).then(() => {
      departed = true;
    });
    await new Promise(setImmediate);
    expect([departed, limiter.size]).toEqual([false, 2]);
    expect(limiter.release('a')).toBe(1);
    await third;
    expect([departed, limiter.size]).toEqual([true, 2]);
  });

  it('ignores images of other producers', async () => {
    const limiter = createInFlightLimiter<number>(2);
    await limiter.acquire('a', 1, signal);
    expect(limiter.release('stranger')).toBeUndefined();
    expect(limiter.size).toBe(1);
  });

  it('releases an image as often as it was acquired', async () => {
    const limiter = createInFlightLimiter<number>(9);
    await limiter.acquire('a', 1, signal);
    await limiter.acquire('a', 2, signal);
    expect([limiter.release('a'), limiter.release('a'), limiter.release('a')]).toEqual([1, 2, undefined]);
  });

  it('is drained when all are released', async () => {
    const limiter = createInFlightLimiter<number>(9);
    await limiter.acquire('a', 1, signal);
    await limiter.acquire('b', 1, signal);
    const settled = limiter.drained(60_000, signal);
    limiter.release('a');
    limiter.release('b');
    await expect(settled).resolves.toBeUndefined();
  });

  it('fails with the ids of the missing images after its timeout', async () => {
    const limiter = createInFlightLimiter<number>(9);
    await limiter.acquire('a', 1, signal);
    await expect(limiter.drained(5, signal)).rejects.toMatchObject({
      code: 'timed-out',
      message: expect.stringContaining('1 images without one: a'),
    });
  });

  it('ends all waits after an abort', async () => {
    const limiter = createInFlightLimiter<number>(1);
    const controller = new AbortController();
    await limiter.acquire('a', 1, controller.signal);
    const waiting = [limiter.acquire('b', 1, controller.signal), limiter.drained(60_000, controller.signal)];
    controller.abort(new Error('stopped'));
    const outcomes = await Promise.allSettled(waiting);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});
