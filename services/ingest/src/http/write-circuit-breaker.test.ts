import { HeadwaterError } from '@headwater/errors';
import type { WriteBlock } from '@headwater/log';
import { expect, it } from 'vitest';
import { WriteCircuitBreaker } from './write-circuit-breaker.ts';

function open() {
  const state = { now: 100_000, block: undefined as WriteBlock | undefined };
  const circuit = new WriteCircuitBreaker({ blocked: () => state.block, now: () => state.now });
  const run = (error?: HeadwaterError) =>
    circuit
      .run(async () => {
        if (error !== undefined) throw error;
        return 'written';
      })
      .catch((thrown: HeadwaterError) => thrown.code);
  return { state, run };
}

const unavailable = new HeadwaterError('log-unavailable', 'no');

it('passes all requests while the log is writable, and in the first two seconds', async () => {
  const { state, run } = open();
  expect(await run(unavailable)).toBe('log-unavailable');
  state.block = { since: state.now - 1_999, reason: 'no' };
  expect([await run(unavailable), await run()]).toEqual(['log-unavailable', 'written']);
});

it('passes one request a second while the log is not writable', async () => {
  const { state, run } = open();
  state.block = { since: 0, reason: 'no' };
  expect([await run(unavailable), await run(), await run()]).toEqual([
    'log-unavailable',
    'log-not-writable',
    'log-not-writable',
  ]);
  state.now += 1_000;
  expect([await run(unavailable), await run()]).toEqual(['log-unavailable', 'log-not-writable']);
});

it('passes the next request after one that was written, or rejected for its own fault', async () => {
  const { state, run } = open();
  state.block = { since: 0, reason: 'no' };
  const invalid = new HeadwaterError('request-invalid', 'no');
  expect([await run(), await run(invalid), await run()]).toEqual(['written', 'request-invalid', 'written']);
});
