import { createTrainingSet, type LabelledVector, quantize } from '@headwater/heads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Draft } from '../../store/state.ts';
import { vectorOf } from '../../testing/classify-fixture.ts';
import { InMemoryState } from '../../testing/in-memory-state.ts';
import {
  applyExample,
  type ExampleUpdate,
  type SetChange,
  storedExamples,
  storedSets,
} from './trainer-state.ts';
import { TrainingSets } from './training-sets.ts';

const news: fc.Arbitrary<ExampleUpdate> = fc
  .record({
    extractor: fc.constantFrom('a.v1', 'b.v1'),
    task: fc.constantFrom('digit', 'other'),
    imageId: fc.constantFrom('i1', 'i2', 'i3', 'i4'),
    label: fc.constantFrom('x', 'y', null),
    group: fc.constantFrom(null, 'g', 'h'),
    seed: fc.integer({ min: 0, max: 3 }),
  })
  .map(({ label, group, seed, ...key }) => ({
    ...key,
    example:
      label === null
        ? null
        : { imageId: key.imageId, label, group, vector: quantize(Float32Array.from(vectorOf(seed, seed))) },
  }));

function digests(sets: TrainingSets): Record<string, string> {
  return Object.fromEntries(sets.all().map((set) => [`${set.extractor}/${set.task}`, set.setDigest]));
}

/** The expected sets: the last update of each image. */
function expected(events: readonly ExampleUpdate[]): Record<string, string> {
  const last = new Map(
    events.map((event) => [JSON.stringify([event.extractor, event.task, event.imageId]), event]),
  );
  const sets = new Map<string, ReturnType<typeof createTrainingSet>>();
  for (const { extractor, task, example } of last.values()) {
    if (example === null) continue;
    const name = `${extractor}/${task}`;
    const set = sets.get(name) ?? createTrainingSet({ extractor, task, dimensions: example.vector.length });
    set.add(example);
    sets.set(name, set);
  }
  return Object.fromEntries([...sets].map(([name, set]) => [name, set.setDigest]));
}

describe('the state transitions of the trainer', () => {
  it('keep exactly the last update of every image, in memory and on disk', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(news, { maxLength: 30 }), async (events) => {
        const state = new InMemoryState();
        const sets = new TrainingSets();
        for (const event of events) {
          const change = state.commit((draft) => applyExample(draft, event));
          if (change !== undefined) sets.apply(change);
        }
        expect(digests(sets)).toEqual(expected(events));
        expect(digests(await TrainingSets.load(state))).toEqual(digests(sets));
        const sizes = storedSets(state).map(({ extractor, task, examples }) => [
          `${extractor}/${task}`,
          examples,
        ]);
        expect(Object.fromEntries(sizes)).toEqual(
          Object.fromEntries(sets.all().map((set) => [`${set.extractor}/${set.task}`, set.examples])),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('reach the same state through failed batches and kills', async () => {
    const batches = fc.array(
      fc.record({
        events: fc.array(news, { maxLength: 6 }),
        fate: fc.constantFrom('committed', 'failed', 'killed before', 'killed after'),
      }),
      { maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(batches, async (history) => {
        const state = new InMemoryState();
        let sets = new TrainingSets();
        const learn = (events: readonly ExampleUpdate[], fails: boolean) => {
          const changes: SetChange[] = [];
          const draft = new Draft(state);
          for (const event of events) {
            const change = applyExample(draft, event);
            if (change === undefined) continue;
            sets.apply(change);
            changes.push(change);
          }
          if (fails) sets.undo(changes);
          else state.commit((own) => own.absorb(draft));
        };
        for (const { events, fate } of history) {
          if (fate === 'failed' || fate === 'killed before') learn(events, true);
          if (fate === 'killed before') sets = await TrainingSets.load(state);
          learn(events, false);
          if (fate === 'killed after') sets = await TrainingSets.load(state);
        }
        expect(digests(sets)).toEqual(expected(history.flatMap(({ events }) => events)));
        const anew = await TrainingSets.load(state);
        const bytes = (one: TrainingSets) =>
          one
            .all()
            .map((set) => Buffer.from(set.serialize()).toString('base64'))
            .sort();
        expect(bytes(sets)).toEqual(bytes(anew));
        expect(sets.agreeWith(state)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('can be undone to the last bit', () => {
    fc.assert(
      fc.property(fc.array(news, { maxLength: 15 }), fc.array(news, { maxLength: 15 }), (kept, dropped) => {
        const state = new InMemoryState();
        const sets = new TrainingSets();
        for (const event of kept) {
          const change = state.commit((draft) => applyExample(draft, event));
          if (change !== undefined) sets.apply(change);
        }
        const before = digests(sets);
        const draft = new Draft(state);
        const changes: SetChange[] = [];
        for (const event of dropped) {
          const change = applyExample(draft, event);
          if (change === undefined) continue;
          sets.apply(change);
          changes.push(change);
        }
        sets.undo(changes);
        expect(digests(sets)).toEqual(before);
      }),
      { numRuns: 100 },
    );
  });

  it('reject a vector of other dimensions or out of range, and change nothing', () => {
    const state = new InMemoryState();
    const say = (imageId: string, vector: Int16Array) => {
      const example: LabelledVector = { imageId, label: 'x', group: null, vector };
      return state.commit((draft) =>
        applyExample(draft, { extractor: 'a.v1', task: 'digit', imageId, example }),
      );
    };
    say('i1', quantize(Float32Array.from(vectorOf(0, 0))));
    const entries = new Map(state.entries);
    expect(() => say('i2', Int16Array.of(8192, 0))).toThrow(
      expect.objectContaining({ code: 'vector-wrong-dimensions' }),
    );
    expect(() => say('i2', new Int16Array(8).fill(9000))).toThrow(
      expect.objectContaining({ code: 'record-invalid' }),
    );
    expect(state.entries).toEqual(entries);
  });

  it('keep examples in the order of a refill', () => {
    const state = new InMemoryState();
    const total = 4_100;
    const sets = new TrainingSets();
    const example = (index: number, label: string | null): ExampleUpdate => ({
      extractor: 'a.v1',
      task: 'digit',
      imageId: `i${index}`,
      example:
        label === null
          ? null
          : {
              imageId: `i${index}`,
              label,
              group: index % 5 === 0 ? `g${index % 7}` : null,
              vector: quantize(Float32Array.from(vectorOf(index % 3, index))),
            },
    });
    for (let index = 0; index < total; index++) {
      const change = state.commit((draft) => applyExample(draft, example(index, `c${index % 3}`)));
      if (change !== undefined) sets.apply(change);
    }
    const set = sets.get('a.v1', 'digit');
    for (const { imageId } of [...storedExamples(state, 'a.v1', 'digit')].slice(0, 2_500)) {
      const change = state.commit((draft) => applyExample(draft, example(Number(imageId.slice(1)), null)));
      if (change !== undefined) sets.apply(change);
    }
    if (set === undefined) throw new Error('the set is gone');
    expect(set.needsRefill).toBe(true);
    sets.refill(set, state);
    expect(set.needsRefill).toBe(false);
    expect(set.serialize().length).toBeGreaterThan(0);
  });
});
