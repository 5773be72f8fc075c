import { expect, it, vi } from 'vitest';
import { watchLog } from './log-health.ts';

it('is not ready after a failure, and asks until the log is back, without any request', async () => {
  let answers = false;
  let asked = 0;
  const states: boolean[] = [];
  const ask = async () => {
    asked += 1;
    if (!answers) throw new Error('away');
  };
  const watch = watchLog((ready) => states.push(ready), ask, 1);
  watch.failed('log-unavailable');
  watch.failed('log-unavailable');
  expect(states.at(-1)).toBe(false);
  await vi.waitUntil(() => asked >= 3);
  expect(states.at(-1)).toBe(false);
  answers = true;
  await vi.waitUntil(() => states.at(-1) === true);
  const before = asked;
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(asked).toBe(before);
});
