import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import {
  createTrainingSet,
  type LabelledVector,
  openHead,
  quantize,
  type TrainingSet,
  trainHead,
} from '@headwater/heads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually, vectorOf } from '../../testing/classify-fixture.ts';
import { type Solver, startSolver } from './solver.ts';

let solver: Solver;
beforeEach(() => {
  solver = startSolver();
});
afterEach(() => solver.close());

function exampleOf(index: number): LabelledVector {
  const vector = quantize(Float32Array.from(vectorOf(index % 3, index)));
  return { imageId: `i${index}`, label: `c${index % 3}`, group: null, vector };
}

function setOf(examples: number): TrainingSet {
  const set = createTrainingSet({ extractor: 'eight.v1', task: 'digit', dimensions: 8 });
  for (let index = 0; index < examples; index++) set.add(exampleOf(index));
  return set;
}

/** Threads of this process with a lower priority: `nice` is field 19 of stat, the 17th behind the name. */
function yieldingThreads(): string[] {
  return readdirSync('/proc/self/task').filter((id) => niceOf(id) > getPriority());
}

/** 0 for a thread that has ended. */
function niceOf(thread: string): number {
  const path = `/proc/self/task/${thread}/stat`;
  if (!existsSync(path)) return 0;
  return Number(readFileSync(path, 'utf8').split(') ').at(-1)?.split(' ')[16]);
}

const options = { kind: 'lda', mode: 'provisional', units: 16 } as const;
const never = new AbortController().signal;

describe('the solver', () => {
  it('solves a copy of the set, whatever changes afterwards', async () => {
    const set = setOf(12);
    const before = set.setDigest;
    const solving = solver.start(set, options, 'now', never);
    set.add({
      imageId: 'more',
      label: 'c1',
      group: null,
      vector: quantize(Float32Array.from(vectorOf(1, 77))),
    });
    expect(await solving).toMatchObject({ examples: 12, setDigest: before });
  });

  it('runs one solve of each urgency at a time, and reports when a thread is free', async () => {
    let calls = 0;
    solver.onFree(() => {
      calls++;
    });
    const solving = solver.start(setOf(9), options, 'now', never);
    expect([solver.isFree('now'), solver.isFree('later')]).toEqual([false, true]);
    await Promise.all([solving, solver.start(setOf(6), options, 'later', never)]);
    expect([solver.isFree('now'), solver.isFree('later')]).toEqual([true, true]);
    await eventually(async () => calls === 2);
  });

  it.runIf(process.platform === 'linux' && getPriority() < 10)(
    'runs solves that can wait at a lower priority',
    async () => {
      const before = new Set(yieldingThreads());
      const yielding = () => yieldingThreads().filter((id) => !before.has(id));
      await solver.start(setOf(9), options, 'now', never);
      expect(yielding()).toEqual([]);
      await solver.start(setOf(9), options, 'later', never);
      expect(yielding()).toHaveLength(1);
    },
  );

  it('drops a cancelled solve, and runs the next', async () => {
    const abort = new AbortController();
    const dropped = solver.start(setOf(9), { ...options, mode: 'settled' }, 'later', abort.signal);
    abort.abort();
    await expect(dropped).rejects.toMatchObject({ code: 'timed-out' });
    expect(solver.isFree('later')).toBe(true);
    expect(await solver.start(setOf(6), options, 'later', never)).toMatchObject({ examples: 6 });
  });

  it('trains layers on the given examples, or else on the sample', async () => {
    const layers = { ...options, kind: 'mlp' } as const;
    const examples = Array.from({ length: 60 }, (_, index) => exampleOf(index));
    const more = Promise.resolve(examples.slice(0, 40));
    const settled = await solver.start(setOf(60), { ...layers, mode: 'settled' }, 'later', never, more);
    expect((settled.measurements.sample ?? 0) + (settled.measurements.heldOut ?? 0)).toBe(40);
    const classifier = openHead(settled);
    const fresh = Array.from({ length: 30 }, (_, index) => exampleOf(1_000 + 3 * index + (index % 3)));
    const right = fresh.filter(({ vector, label }) => classifier.predict(vector).label === label);
    expect(right.length).toBeGreaterThan(27);
    const provisional = await solver.start(setOf(60), layers, 'later', never);
    expect((provisional.measurements.sample ?? 0) + (provisional.measurements.heldOut ?? 0)).toBe(60);
    // Layers are reproducible on one machine only.
    expect(await solver.start(setOf(60), layers, 'later', never)).toEqual(provisional);
    const lost = solver.start(setOf(6), layers, 'later', never, Promise.reject(new Error('no disk')));
    await expect(lost).rejects.toMatchObject({ code: 'unexpected' });
    expect(await solver.start(setOf(6), options, 'later', never)).toMatchObject({ examples: 6 });
  });

  it('solves a regression from the given examples, or else from the sample', async () => {
    const regression = { ...options, kind: 'softmax', mode: 'settled' } as const;
    const examples = Array.from({ length: 60 }, (_, index) => exampleOf(index));
    const all = trainHead(setOf(60), regression, examples.slice(0, 45));
    const more = Promise.resolve(examples.slice(0, 45));
    expect(await solver.start(setOf(60), regression, 'later', never, more)).toEqual(all);
    const sample = trainHead(setOf(60), regression);
    expect(await solver.start(setOf(60), regression, 'later', never)).toEqual(sample);
    expect([all.digest === sample.digest, all.setDigest === sample.setDigest]).toEqual([false, true]);
    const abort = new AbortController();
    const dropped = solver.start(setOf(60), regression, 'later', abort.signal, new Promise(() => undefined));
    abort.abort();
    await expect(dropped).rejects.toMatchObject({ code: 'timed-out' });
  });

  it('reports an incomplete sample', async () => {
    await expect(solver.start(setOf(0), options, 'now', never)).rejects.toMatchObject({
      code: 'head-not-ready',
    });
  });
});
