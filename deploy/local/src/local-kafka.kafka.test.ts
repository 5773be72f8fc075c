import { inject, expect, test } from 'vitest';
import { answers } from './probe.ts';
test('the shared broker answers', async () => {
  const [broker=''] = inject('brokers');
  expect(await answers(Number(broker.split(':')[1]), 5000)).toBe(true);
});
