/**
 * Checks the exactness guarantee against a thousand histories on both kernels: any permutation, any partition into workers and
 * merge, any batching, added then removed, corrected from A to B, killed and restarted. Whatever history led to a set, its
 * bytes and its heads are the same. Vectors are wide enough for the blocks of the SIMD kernel, which smaller matrices do not
 * use.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Head, HeadKind, LabelledVector } from './api.ts';
import type { Kernel } from './kernel/api.ts';
import { referenceKernel } from './kernel/reference-kernel.ts';
import { openSimdKernel } from './kernel/simd-kernel.ts';
import { trainHead } from './models/head.ts';
import { quantize } from './numerics/quantization.ts';
import { takeSnapshot } from './training-set/set-snapshot.ts';
import { ExactTrainingSet } from './training-set/training-set.ts';

const dimensions = 67;
const simdKernel = openSimdKernel();
if (simdKernel === null) throw new Error('the engine that runs the tests has no WebAssembly SIMD');
const kernels: readonly Kernel[] = [referenceKernel, simdKernel];
const kinds: HeadKind[] = ['lda', 'ridge', 'ncm', 'knn', 'softmax'];

interface Step {
  readonly at: number;
  readonly worker: number;
  /** In [0, 1): selects the interruption after this step. */
  readonly chance: number;
}

interface History {
  readonly kept: readonly LabelledVector[];
  readonly gone: readonly LabelledVector[];
  /** For each kept example: its first, wrong label, or null. */
  readonly corrected: readonly (string | null)[];
  readonly steps: readonly Step[];
  readonly workers: number;
  readonly kind: HeadKind;
}

function vectorFrom(seed: number): Int16Array {
  let state = seed;
  const numbers = Float32Array.from({ length: dimensions }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
  return seed % 17 === 0 ? new Int16Array(dimensions) : quantize(numbers);
}

const label = fc.constantFrom('a', 'b', 'ü');
const most = 7;
const item = fc.record({
  label,
  group: fc.option(fc.constantFrom('g', 'h'), { freq: 3 }),
  vector: fc.integer({ min: 0, max: 2 ** 31 }).map(vectorFrom),
});
const named = (prefix: string, items: readonly Omit<LabelledVector, 'imageId'>[]) =>
  items.map((one, i) => ({ ...one, imageId: `${prefix}${i}` }));
const step = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  worker: fc.nat({ max: 2 }),
  chance: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
});

const histories: fc.Arbitrary<History> = fc.record({
  kept: fc.array(item, { minLength: 1, maxLength: most }).map((items) => named('kept', items)),
  gone: fc.array(item, { maxLength: most }).map((items) => named('gone', items)),
  corrected: fc.array(fc.option(label), { minLength: most, maxLength: most }),
  steps: fc.array(step, { minLength: 4 * most, maxLength: 4 * most }),
  workers: fc.integer({ min: 1, max: 3 }),
  kind: fc.constantFrom(...kinds),
});

const none = { extractor: 'net.v1', task: 'digit', dimensions };

/** One of the workers that share the examples. It may be killed, and recovers from its serialized state or from its examples. */
class WorkerOf {
  set: ExactTrainingSet;
  readonly #kernel: Kernel;
  readonly #examples = new Map<string, LabelledVector>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.set = new ExactTrainingSet(none, kernel);
  }

  add(example: LabelledVector): void {
    this.set.add(example);
    this.#examples.set(example.imageId, example);
  }

  remove(example: LabelledVector): void {
    this.set.remove(example);
    this.#examples.delete(example.imageId);
  }

  /** A batch ends here (waiting vectors are summed), a head is trained, or the process is killed and recovers. */
  interrupt(chance: number, kind: HeadKind): void {
    if (chance < 0.1) this.set.statistics.gram.at(0);
    else if (chance < 0.15 && this.set.examples > 0) trainHead(this.set, { kind, mode: 'provisional' });
    else if (chance < 0.2) this.set = ExactTrainingSet.deserialize(this.set.serialize(), this.#kernel);
    else if (chance < 0.25) this.#startAnew();
  }

  #startAnew(): void {
    this.set = new ExactTrainingSet(none, this.#kernel);
    for (const example of [...this.#examples.values()].reverse()) this.set.add(example);
  }
}

/** One operation on an example: each is a separate step, in its order, with others in between. */
type Deed = (workers: readonly WorkerOf[]) => void;

function deedsOf({ kept, gone, corrected, steps, workers }: History): Deed[] {
  const ranked: { readonly at: number; readonly deed: Deed }[] = [];
  let next = 0;
  const plan = (count: number) => {
    const own = steps.slice(next, next + count).map(({ at }) => at);
    next += count;
    return own.sort((a, b) => a - b);
  };
  const worker = () => (steps[next]?.worker ?? 0) % workers;
  kept.forEach((example, i) => {
    const home = worker();
    const first = corrected[i] ?? null;
    const [early = 0, late = 0] = plan(2);
    if (first === null) {
      ranked.push({ at: early, deed: (all) => all[home]?.add(example) });
      return;
    }
    const wrong = { ...example, label: first };
    ranked.push({ at: early, deed: (all) => all[home]?.add(wrong) });
    ranked.push({
      at: late,
      deed: (all) => {
        all[home]?.remove(wrong);
        all[home]?.add(example);
      },
    });
  });
  for (const example of gone) {
    const home = worker();
    const [early = 0, late = 0] = plan(2);
    ranked.push({ at: early, deed: (all) => all[home]?.add(example) });
    ranked.push({ at: late, deed: (all) => all[home]?.remove(example) });
  }
  return ranked.sort((a, b) => a.at - b.at).map(({ deed }) => deed);
}

function live(history: History, kernel: Kernel): ExactTrainingSet {
  const workers = Array.from({ length: history.workers }, () => new WorkerOf(kernel));
  deedsOf(history).forEach((deed, i) => {
    deed(workers);
    const { worker = 0, chance = 1 } = history.steps[i] ?? {};
    workers[worker % workers.length]?.interrupt(chance, history.kind);
  });
  const whole = new ExactTrainingSet(none, kernel);
  for (const { set } of workers.reverse()) whole.merge(set);
  return whole;
}

/** Parameters are left out: the digest covers them. */
function comparable({ parameters: _, ...head }: Head): string {
  return JSON.stringify(head);
}

describe('a head', () => {
  it('is a pure function of the training set, over a thousand histories and on both kernels', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const { kind } = history;
        const options = { kind, mode: kind === 'softmax' ? 'settled' : 'provisional' } as const;
        const expected = new ExactTrainingSet(none, referenceKernel);
        for (const example of history.kept) expected.add(example);
        const [bytes, head] = [expected.serialize(), comparable(trainHead(expected, options))];
        for (const kernel of kernels) {
          const set = live(history, kernel);
          expect(Buffer.compare(set.serialize(), bytes)).toBe(0);
          expect(comparable(trainHead(set, options))).toBe(head);
          if (kernel === simdKernel)
            expect(comparable(trainHead(takeSnapshot(set, options), options))).toBe(head);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
