import { expect, it } from 'vitest';
import { LearnedTraces } from './learned-traces.ts';

const set = { extractor: 'lenet-digits.v1', task: 'digit' };
const traceparent = (at: number) => `00-${String(at + 1).padStart(32, '0')}-00f067aa0ba902b7-01`;
const example = (at: number) => ({
  offset: BigInt(at),
  headers: { traceparent: Buffer.from(traceparent(at)) },
});

function learn(...offsets: readonly number[]): LearnedTraces {
  const traces = new LearnedTraces();
  for (const at of offsets) traces.learned(set, example(at));
  return traces;
}

it('gives a head the trace of its newest example, and those that no head before it has learned as links', () => {
  const traces = learn(0, 1, 2, 3, 4);
  expect(traces.of(set, 4, 2)).toEqual({
    headers: { traceparent: traceparent(3) },
    traceLinks: [{ traceparent: traceparent(2) }],
  });
});

it('gives a head that has learned nothing new no trace', () => {
  expect(learn(0, 1).of(set, 2, 2)).toEqual({});
  expect(learn(0, 1).of({ ...set, task: 'other' }, 2, 0)).toEqual({});
});

it('counts an example once that is learned again after its batch failed', () => {
  expect(learn(0, 1, 0, 1).of(set, 2, 0).traceLinks).toHaveLength(1);
});

it('keeps the newest 128 examples of a training set', () => {
  const { traceLinks = [] } = learn(...Array.from({ length: 1_000 }, (_, at) => at)).of(set, 1_000, 0);
  expect(traceLinks).toHaveLength(127);
  expect(traceLinks[0]).toEqual({ traceparent: traceparent(872) });
});

it('passes over examples without a valid trace', () => {
  const traces = new LearnedTraces();
  traces.learned(set, { offset: 0n, headers: {} });
  traces.learned(set, { offset: 1n, headers: { traceparent: Buffer.from('none') } });
  expect(traces.of(set, 2, 0)).toEqual({});
});
