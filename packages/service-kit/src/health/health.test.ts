import { expect, test } from 'vitest';
import { createHealth } from './health.ts';

test('is ready when all components are, and names those that are not', () => {
  const health = createHealth();
  expect(health.ready).toBe(true);
  const setLog = health.part('log');
  const setStore = health.part('store');
  expect(health.ready).toBe(false);
  setLog(true);
  setStore(false, 'rolling forward');
  expect(health.ready).toBe(false);
  expect(health.report()).toEqual({ log: 'ok', store: 'rolling forward' });
  setStore(true);
  expect(health.ready).toBe(true);
});

test('stays failed after a failure', () => {
  const health = createHealth();
  health.part('log')(true);
  health.fail('store-unavailable');
  health.fail('another');
  expect([health.alive, health.ready]).toEqual([false, false]);
  expect(health.report()).toEqual({ log: 'ok', process: 'store-unavailable' });
});

test('remembers when a start last made progress', () => {
  const health = createHealth();
  expect(health.progressedAt).toBe(0);
  health.progressed();
  expect(Date.now() - health.progressedAt).toBeLessThan(60_000);
});
