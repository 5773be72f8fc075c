import { createRequire } from 'node:module';
import { expect, it, onTestFinished, vi } from 'vitest';
import './kafkajs.ts';

interface RequestQueue {
  pending: unknown[];
  throttledUntil: number;
  scheduleCheckPendingRequests(): void;
}

const Queue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as new (
  options: object,
) => RequestQueue;

function openQueue() {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  return new Queue({ maxInFlightRequests: 1, requestTimeout: 1_000, clientId: 'test', broker: 'test:1' });
}

it('sets no timer for a request queue of kafkajs with nothing pending', () => {
  const queue = openQueue();
  queue.scheduleCheckPendingRequests();
  queue.throttledUntil = Date.now() + 500;
  queue.scheduleCheckPendingRequests();
  expect(vi.getTimerCount()).toBe(0);
});

it('checks a pending request when its throttling has ended', () => {
  const queue = openQueue();
  queue.pending.push({});
  queue.throttledUntil = Date.now() + 500;
  queue.scheduleCheckPendingRequests();
  expect(vi.getTimerCount()).toBe(1);
});
