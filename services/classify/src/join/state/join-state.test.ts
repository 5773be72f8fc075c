import { quantize } from '@headwater/heads';
import { compositeKey, type Example, type LabelAssigned } from '@headwater/schemas';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refOf, vectorOf } from '../../testing/classify-fixture.ts';
import { InMemoryState } from '../../testing/in-memory-state.ts';
import { applyExample } from '../../train/examples/trainer-state.ts';
import { TrainingSets } from '../../train/examples/training-sets.ts';
import {
  applyErasure,
  applyLabel,
  applyPrediction,
  applyVector,
  type ExampleOutput,
  readImage,
} from './join-state.ts';
import { readCounts, readScores } from './partition-counts.ts';

const limits = { maxTasks: 10, maxClasses: 10 };
const extractors = ['a.v1', 'b.v1'];
/** Between the times of the labels. */
const erasedAt = 2;

interface VectorEvent {
  readonly imageId: string;
  readonly extractor: string;
  /** null erases. */
  readonly vector: {
    readonly seed: number;
    readonly group: string | null;
    readonly labels: Record<string, string>;
  } | null;
}
type Event = VectorEvent | LabelAssigned;

const imageId = fc.constantFrom('i1', 'i2', 'i3');
const task = fc.constantFrom('digit', '__proto__');
const label = fc.constantFrom('x', 'y', 'ü');
const labelEvent: fc.Arbitrary<LabelAssigned> = fc.record({
  imageId,
  task,
  label: fc.option(label, { nil: null, freq: 4 }),
  assignedAt: fc.integer({ min: 1, max: 3 }),
  annotator: fc.constantFrom('p', 'q'),
});
const vectorEvent: fc.Arbitrary<VectorEvent> = fc.record({
  imageId,
  extractor: fc.constantFrom(...extractors),
  vector: fc.option(
    fc.record({
      seed: fc.integer({ min: 0, max: 3 }),
      group: fc.constantFrom(null, 'g'),
      labels: fc
        .option(label, { nil: undefined })
        .map((given) => (given === undefined ? {} : { digit: given })),
    }),
    { nil: null, freq: 5 },
  ),
});

function apply(state: InMemoryState, event: Event): ExampleOutput[] {
  return state.commit((draft) => {
    if (!('extractor' in event)) return applyLabel(draft, event, 7, limits);
    const { extractor, vector } = event;
    if (vector === null) return applyErasure(draft, extractor, event.imageId, erasedAt);
    const { seed, group, labels } = vector;
    const record = {
      imageId: event.imageId,
      extractor: refOf(extractor),
      vector: Float32Array.from(vectorOf(seed, seed)),
      labels,
      group,
      source: 'camera',
      receivedAt: 2,
      extractedAt: 3,
    };
    return applyVector(draft, { extractor, record, numbers: quantize(record.vector) }, 0, limits);
  });
}

/** The outputs after compaction. */
function tableOf(outputs: readonly ExampleOutput[]): Map<string, Example> {
  const table = new Map<string, Example>();
  for (const { extractor, task: of, imageId: image, example } of outputs) {
    const key = compositeKey(extractor, of, image);
    if (example === null) table.delete(key);
    else table.set(key, example);
  }
  return new Map([...table].sort());
}

function run(events: readonly Event[]) {
  const state = new InMemoryState();
  const outputs = events.flatMap((event) => apply(state, event));
  return { state, outputs, table: tableOf(outputs) };
}

async function digestsOf(outputs: readonly ExampleOutput[]): Promise<Record<string, string>> {
  const state = new InMemoryState();
  const sets = new TrainingSets();
  for (const { extractor, task: of, imageId: image, example } of outputs) {
    const { label: name = null, group = null, vector = new Int16Array() } = example ?? {};
    const labelled = name === null ? null : { imageId: image, label: name, group, vector };
    const change = state.commit((draft) =>
      applyExample(draft, { extractor, task: of, imageId: image, example: labelled }),
    );
    if (change !== undefined) sets.apply(change);
  }
  const digests = (all: TrainingSets) =>
    Object.fromEntries(all.all().map((set) => [compositeKey(set.extractor, set.task), set.setDigest]));
  expect(digests(await TrainingSets.load(state))).toEqual(digests(sets));
  return digests(sets);
}

/** Vectors keep their order, as in their topic; labels come in any order, and some events repeat. */
function interleave(labels: readonly Event[], vectors: readonly Event[], places: readonly number[]): Event[] {
  const events = [...vectors, ...vectors.slice(-2)];
  labels.forEach((event, index) => {
    events.splice((places[index] ?? 0) % (events.length + 1), 0, event);
    if ((places[index] ?? 0) % 3 === 0) events.push(event);
  });
  return events;
}

describe('the state transitions of the join', () => {
  it('give the same table and the same digests for every interleaving and repetition', async () => {
    const places = fc.array(fc.nat(1_000), { minLength: 12, maxLength: 12 });
    const labels = fc.array(labelEvent, { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(
        labels,
        fc.array(vectorEvent, { maxLength: 10 }),
        places,
        places,
        async (l, v, p, q) => {
          const one = run(interleave(l, v, p));
          const other = run(interleave(l.toReversed(), v, q));
          expect(other.table).toEqual(one.table);
          expect(readCounts(other.state)).toEqual(readCounts(one.state));
          expect(await digestsOf(other.outputs)).toEqual(await digestsOf(one.outputs));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('write nothing when nothing changes', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(labelEvent, vectorEvent), { maxLength: 12 }), (events) => {
        const { state } = run(events);
        const last = events.at(-1);
        if (last !== undefined) expect(apply(state, last)).toEqual([]);
      }),
    );
  });

  it('forget an erased image and all its labels until then, in whatever order they come', () => {
    const sent: Event = {
      imageId: 'i1',
      extractor: 'a.v1',
      vector: { seed: 1, group: 'g', labels: { digit: 'x' } },
    };
    const gone: Event = { imageId: 'i1', extractor: 'a.v1', vector: null };
    const early: Event = { imageId: 'i1', task: 'digit', label: 'y', assignedAt: 2, annotator: 'p' };
    for (const events of [
      [sent, early, gone],
      [sent, gone, early],
      [early, sent, gone, early],
    ]) {
      const { state, table } = run(events);
      expect(table.size).toBe(0);
      expect(readCounts(state)).toEqual({ images: 0, unmatched: 0 });
      const left = [...state.entries].map(([key, value]) => `${key} ${value.toString('latin1')}`).join();
      expect(left).not.toMatch(/i1|digit|"y"|"x"|vector\//);
    }
  });

  it('count labels after the erasure, when the image is sent again', () => {
    const again: Event = { imageId: 'i1', extractor: 'a.v1', vector: { seed: 1, group: null, labels: {} } };
    const { table } = run([
      again,
      { imageId: 'i1', task: 'digit', label: 'y', assignedAt: 2, annotator: 'p' },
      { imageId: 'i1', extractor: 'a.v1', vector: null },
      again,
      { imageId: 'i1', task: 'other', label: 'z', assignedAt: 3, annotator: 'p' },
    ]);
    expect([...table.values()].map(({ task: of, label: name }) => [of, name])).toEqual([['other', 'z']]);
  });

  it('keep a person’s correction when the image is sent again', () => {
    const sent = {
      imageId: 'i1',
      extractor: 'a.v1',
      vector: { seed: 1, group: null, labels: { digit: 'x' } },
    };
    const { table } = run([
      sent,
      { imageId: 'i1', task: 'digit', label: 'y', assignedAt: 1, annotator: 'p' },
      sent,
    ]);
    expect([...table.values()].map((example) => example.label)).toEqual(['y']);
  });

  it('keep a retraction as an example without a label', () => {
    const { table } = run([
      { imageId: 'i1', extractor: 'a.v1', vector: { seed: 1, group: null, labels: {} } },
      { imageId: 'i1', task: 'digit', label: 'y', assignedAt: 1, annotator: 'p' },
      { imageId: 'i1', task: 'digit', label: null, assignedAt: 2, annotator: 'p' },
    ]);
    expect([...table.values()].map((example) => example.label)).toEqual([null]);
  });

  it('reject more tasks and classes than the limits, and free capacity when a class goes', () => {
    const state = new InMemoryState();
    const say = (of: string, name: string | null, at = 1) =>
      state.commit((draft) =>
        applyLabel(draft, { imageId: 'i1', task: of, label: name, assignedAt: at, annotator: 'p' }, 0, {
          maxTasks: 1,
          maxClasses: 1,
        }),
      );
    say('digit', 'x');
    expect(() => say('other', 'x')).toThrow(expect.objectContaining({ code: 'limit-exceeded' }));
    expect(() => say('digit', 'y', 2)).toThrow(expect.objectContaining({ code: 'limit-exceeded' }));
    say('digit', null, 3);
    say('digit', 'y', 4);
    expect(state.commit((draft) => readImage(draft, 'i1')).assigned.get('digit')?.label).toBe('y');
  });
});

describe('served accuracy', () => {
  const predict = (state: InMemoryState, image: string, label: string | null) =>
    state.commit((draft) =>
      applyPrediction(draft, { imageId: image, task: 'digit', label, receivedAt: 2 }, 5),
    );
  const sent = (image: string): Event => ({
    imageId: image,
    extractor: 'a.v1',
    vector: { seed: 1, group: null, labels: {} },
  });
  const said = (image: string, name: string, assignedAt = 1): Event => ({
    imageId: image,
    task: 'digit',
    label: name,
    assignedAt,
    annotator: 'p',
  });

  it('counts each image once: the published prediction against the first label', () => {
    const { state } = run([sent('i1'), sent('i2'), sent('i3')]);
    predict(state, 'i1', 'x');
    predict(state, 'i2', 'x');
    predict(state, 'i3', null);
    for (const event of [said('i1', 'x'), said('i2', 'y'), said('i2', 'x', 2), said('i3', 'x')])
      apply(state, event);
    predict(state, 'i2', 'x');
    expect(readScores(state).get('digit')).toEqual({
      labelled: 2,
      correct: 1,
      unanswered: 1,
      recent: [
        { at: 7, correct: true },
        { at: 7, correct: false },
      ],
    });
  });

  it('counts a label that arrives before its image', () => {
    const { state } = run([said('i1', 'x'), sent('i1')]);
    predict(state, 'i1', 'x');
    expect(readScores(state).get('digit')).toMatchObject({ labelled: 1, correct: 1 });
  });
});
