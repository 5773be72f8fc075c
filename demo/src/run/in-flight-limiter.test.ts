import { describe, expect, it } from 'vitest';
import { createInFlightLimiter } from './in-flight-limiter.ts';

const { signal } = new AbortController();

describe('a flight', () => {
  it('lets no more depart than its limit, until one has landed', async () => {
    const flight = createInFlightLimiter<number>(2);
    await flight.depart('a', 1, signal);
    await flight.depart('b', 2, signal);
    let departed = false;
    const third = flight.depart('c', 3, signal).then(() => {
      departed = true;
    });
    await new Promise(setImmediate);
    expect([departed, flight.size]).toEqual([false, 2]);
    expect(flight.land('a')).toBe(1);
    await third;
    expect([departed, flight.size]).toEqual([true, 2]);
  });

  it('knows nothing of the images of others', async () => {
    const flight = createInFlightLimiter<number>(2);
    await flight.depart('a', 1, signal);
    expect(flight.land('stranger')).toBeUndefined();
    expect(flight.size).toBe(1);
  });

  it('lands the same image as often as it departed', async () => {
    const flight = createInFlightLimiter<number>(9);
    await flight.depart('a', 1, signal);
    await flight.depart('a', 2, signal);
    expect([flight.land('a'), flight.land('a'), flight.land('a')]).toEqual([1, 2, undefined]);
  });

  it('settles when all have landed', async () => {
    const flight = createInFlightLimiter<number>(9);
    await flight.depart('a', 1, signal);
    await flight.depart('b', 1, signal);
    const settled = flight.settle(60_000, signal);
    flight.land('a');
    flight.land('b');
    await expect(settled).resolves.toBeUndefined();
  });

  it('gives up with the names of the missing when nothing lands any more', async () => {
    const flight = createInFlightLimiter<number>(9);
    await flight.depart('a', 1, signal);
    await expect(flight.settle(5, signal)).rejects.toMatchObject({
      code: 'timed-out',
      message: expect.stringContaining('1 images still wait for theirs: a'),
    });
  });

  it('lets nobody wait after an abort', async () => {
    const flight = createInFlightLimiter<number>(1);
    const controller = new AbortController();
    await flight.depart('a', 1, controller.signal);
    const waiting = [flight.depart('b', 1, controller.signal), flight.settle(60_000, controller.signal)];
    controller.abort(new Error('stopped'));
    const outcomes = await Promise.allSettled(waiting);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});
