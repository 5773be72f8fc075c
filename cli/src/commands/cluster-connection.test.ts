import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { abortedBeforeResponse, warnIfUnresponsive } from './cluster-connection.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('warns when Kafka does not respond, and not when it does', async () => {
  const warn = vi.fn();
  warnIfUnresponsive(Promise.resolve(3), warn);
  warnIfUnresponsive(Promise.reject(new Error('forbidden')), warn);
  warnIfUnresponsive(new Promise(() => {}), warn)();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(warn).not.toHaveBeenCalled();
  warnIfUnresponsive(new Promise(() => {}), warn);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(warn.mock.calls).toEqual([[5_000]]);
});

it('ends a wait for a Kafka that does not respond, and leaves one that did to the command', async () => {
  const silent = new AbortController();
  const waiting = abortedBeforeResponse(new Promise(() => {}), silent.signal);
  silent.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');

  const answered = new AbortController();
  const ended = vi.fn();
  const answer = Promise.resolve(3);
  abortedBeforeResponse(answer, answered.signal).catch(ended);
  await answer;
  answered.abort(new Error('enough'));
  await vi.advanceTimersByTimeAsync(0);
  expect(ended).not.toHaveBeenCalled();
});
