import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { tellOfSilence } from './cluster.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('tells whoever waits that Kafka does not answer, and is silent where it does', async () => {
  const tell = vi.fn();
  tellOfSilence(Promise.resolve(3), tell);
  tellOfSilence(Promise.reject(new Error('forbidden')), tell);
  tellOfSilence(new Promise(() => {}), tell)();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(tell).not.toHaveBeenCalled();
  tellOfSilence(new Promise(() => {}), tell);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(tell.mock.calls).toEqual([[5_000]]);
});
