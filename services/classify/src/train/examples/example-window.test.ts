import { createTrainingSet, quantize } from '@headwater/heads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { vectorOf } from '../../testing/classify-fixture.ts';
import { InMemoryState } from '../../testing/in-memory-state.ts';
import { timeDigits } from './example-bytes.ts';
import type { ExampleWindow } from './example-window.ts';
import { applyExample, type ExampleUpdate, type SetChange, storedSets } from './trainer-state.ts';
import { TrainingSets } from './training-sets.ts';

const name = { extractor: 'a.v1', task: 'digit' };
const vector = (seed: number) => quantize(Float32Array.from(vectorOf(seed % 3, seed)));

const news: fc.Arbitrary<ExampleUpdate> = fc
  .record({
    image: fc.integer({ min: 0, max: 9 }),
    label: fc.constantFrom('x', 'y', null),
    assignedAt: fc.integer({ min: -3, max: 12 }),
    seed: fc.integer({ min: 0, max: 3 }),
  })
  .map(({ image, label, assignedAt, seed }) => {
    const imageId = `i${image}`;
    if (label === null) return { ...name, imageId, example: null };
    return { ...name, imageId, example: { imageId, label, group: null, vector: vector(seed), assignedAt } };
  });

const windows: fc.Arbitrary<ExampleWindow> = fc.oneof(
  fc.record({ newest: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ span: fc.integer({ min: 1, max: 8 }) }),
);

/** The digest of the examples inside, computed the slow way; null where there are none. */
function expected(events: readonly ExampleUpdate[], window: ExampleWindow): string | null {
  const last = new Map(events.map((event) => [event.imageId, event.example]));
  const examples = [...last.values()].filter((example) => example !== null);
  const time = (example: { readonly assignedAt?: number }) => example.assignedAt ?? 0;
  const newest = Math.max(...examples.map(time));
  const inside =
    'span' in window
      ? examples.filter((one) => time(one) > newest - window.span)
      : newestOf(examples, window.newest);
  if (inside.length === 0) return null;
  const set = createTrainingSet({ ...name, dimensions: 8 });
  for (const example of inside) set.add(example);
  return set.setDigest;
}

type Known = NonNullable<ExampleUpdate['example']>;

/** Breaks ties of time by sample key, which sets of a single example reveal. */
function newestOf(examples: readonly Known[], count: number): Known[] {
  const state = new InMemoryState();
  for (const example of examples) {
    state.commit((draft) =>
      applyExample(draft, { ...name, imageId: example.imageId, example }, { window: { newest: 99 } }),
    );
  }
  const ordered = [...state.range('time/')].map(({ value }) => value.toString('utf8'));
  const keys = ordered.slice(-count);
  return examples.filter(({ imageId }) => {
    const index = [...state.range('at/')].find(({ value }) => {
      const bytes = state.get(value.toString('utf8'));
      return bytes?.includes(`["${imageId}"`) ?? false;
    });
    return keys.includes(index?.value.toString('utf8') ?? '');
  });
}

function learn(
  state: InMemoryState,
  sets: TrainingSets,
  events: readonly ExampleUpdate[],
  window: ExampleWindow,
): SetChange[] {
  const changes: SetChange[] = [];
  for (const event of events) {
    const change = state.commit((draft) => applyExample(draft, event, { window }));
    if (change === undefined) continue;
    sets.apply(change);
    changes.push(change);
  }
  return changes;
}

const digestOf = (sets: TrainingSets) => sets.get(name.extractor, name.task)?.setDigest ?? null;

describe('a window over examples', () => {
  it('contains exactly the newest examples after any history, in memory and after a restart', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(news, { maxLength: 30 }), windows, async (events, window) => {
        const [state, sets] = [new InMemoryState(), new TrainingSets()];
        learn(state, sets, events, window);
        expect(digestOf(sets)).toBe(expected(events, window));
        expect(digestOf(await TrainingSets.load(state))).toBe(digestOf(sets));
        const stored = storedSets(state)[0];
        expect(stored?.inside ?? 0).toBe(sets.get(name.extractor, name.task)?.examples ?? 0);
      }),
      { numRuns: 400 },
    );
  });

  it('does not depend on the order of examples', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(news, { maxLength: 10, selector: ({ imageId }) => imageId }).chain((events) => {
          const shuffled = fc.shuffledSubarray(events, { minLength: events.length });
          return fc.tuple(fc.constant(events), shuffled);
        }),
        windows,
        ([events, shuffled], window) => {
          const digests = [events, shuffled].map((order) => {
            const sets = new TrainingSets();
            learn(new InMemoryState(), sets, order, window);
            return digestOf(sets);
          });
          expect(digests[1]).toBe(digests[0]);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('can be undone to the last bit', () => {
    fc.assert(
      fc.property(
        fc.array(news, { maxLength: 12 }),
        fc.array(news, { maxLength: 12 }),
        windows,
        (kept, dropped, window) => {
          const [state, sets] = [new InMemoryState(), new TrainingSets()];
          learn(state, sets, kept, window);
          const before = digestOf(sets);
          sets.undo(learn(state, sets, dropped, window));
          expect(digestOf(sets)).toBe(before);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('orders times as numbers, also before the epoch', () => {
    const times = [-(2 ** 52), -1, 0, 1, 255, 256, 2 ** 52];
    expect(times.map(timeDigits).toSorted()).toEqual(times.map(timeDigits));
  });
});

describe('the limits of a trainer', () => {
  const example = (imageId: string, task = 'digit'): ExampleUpdate => ({
    extractor: 'a.v1',
    task,
    imageId,
    example: { imageId, label: 'x', group: null, vector: vector(1) },
  });

  it('reject one set too many, and keep the existing sets', () => {
    const state = new InMemoryState();
    const say = (event: ExampleUpdate) => state.commit((draft) => applyExample(draft, event, { maxSets: 1 }));
    expect(say(example('i1'))).toBeDefined();
    expect(() => say(example('i1', 'other'))).toThrow(expect.objectContaining({ code: 'limit-exceeded' }));
    expect(say(example('i2'))).toBeDefined();
  });

  it('reject only the example that would be summed inexactly, before anything changes', () => {
    const state = new InMemoryState();
    const say = (event: ExampleUpdate) =>
      state.commit((draft) => applyExample(draft, event, { maxExamples: 1 }));
    expect(say(example('i1'))).toBeDefined();
    const before = new Map(state.entries);
    expect(() => say(example('i2'))).toThrow(
      expect.objectContaining({ code: 'statistics-overflow', verdict: 'dead-letter' }),
    );
    expect(state.entries).toEqual(before);
    expect(say({ ...example('i1'), example: null })).toBeDefined();
    expect(say(example('i2'))).toBeDefined();
  });
});
