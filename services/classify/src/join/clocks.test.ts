import { createNames, type LogRecord } from '@headwater/log';
import { createFingerprintIds, type LabelAssigned } from '@headwater/schemas';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { classify } from '../predict/predictor.ts';
import { Draft } from '../store/state.ts';
import { InMemoryState } from '../testing/in-memory-state.ts';
import { openJoinCodecs } from './join-codecs.ts';
import { PartitionJoin } from './partition-join.ts';
import { readImage } from './state/join-state.ts';

const names = createNames();
const now = Date.UTC(2027, 0, 1);
const minute = 60_000;
const maxFutureMs = 5 * minute;

let codecs: Awaited<ReturnType<typeof openJoinCodecs>>;
beforeEach(async () => {
  codecs = await openJoinCodecs(createFingerprintIds(), names);
});

function openPartition(): PartitionJoin {
  const { labels, examples, predictions } = names.topics;
  return new PartitionJoin({
    partition: 0,
    group: names.groups.join,
    topics: {
      labels,
      refusedLabels: names.topics.deadLetters(labels),
      examples,
      predictions,
      vectors: new Map(),
    },
    codecs,
    partitions: { inputs: 1, examples: 1 },
    limits: { maxTasks: 5, maxClasses: 50 },
    maxFutureMs,
    declaredTasks: [],
    predict: {
      tasks: () => [],
      asked: () => undefined,
      answer: (vector, task, at) => classify(vector, task, undefined, at),
    },
    dimensions: () => undefined,
  });
}

/** A record as a producer writes it whose clock shows `clock`: both times come from it. */
function written(label: string | null, clock: number, annotator: string, assignedAt = clock): LogRecord {
  const value: LabelAssigned = { imageId: 'i1', task: 't', label, assignedAt, annotator };
  return {
    topic: names.topics.labels,
    partition: 0,
    offset: 0n,
    timestamp: clock,
    key: Buffer.from('i1'),
    value: codecs.labels.encode(value),
    headers: {},
  };
}

async function live(records: readonly LogRecord[], at = now) {
  const [state, partition] = [new InMemoryState(), openPartition()];
  let refused = 0;
  for (const record of records) {
    const draft = new Draft(state);
    await partition.handle(record, draft, at).catch(() => {
      refused += 1;
    });
    state.commit((own) => own.absorb(draft));
  }
  return { refused, winner: winnerOf(state) };
}

async function rebuilt(records: readonly LogRecord[], at: number) {
  const state = new InMemoryState();
  const draft = new Draft(state);
  await openPartition().replay(records, draft, at);
  state.commit((own) => own.absorb(draft));
  return winnerOf(state);
}

function winnerOf(state: InMemoryState) {
  return state.commit((draft) => readImage(draft, 'i1')).assigned.get('t');
}

describe('labels of producers with other clocks', () => {
  /** Where the clocks of two producers stand, from which they jump back and forth. */
  const offsets = fc.record({ a: fc.integer({ min: -90, max: 4 }), b: fc.integer({ min: -90, max: 4 }) });
  const assignment = fc.record({
    producer: fc.constantFrom('a' as const, 'b' as const),
    label: fc.option(fc.constantFrom('x', 'y', 'z'), { nil: null, freq: 5 }),
    jump: fc.constantFrom(0, 0, 0, -30, -1),
  });

  it('come to one winner in every order and in every rebuild, with clocks that differ and jump', async () => {
    const assignments = fc.array(assignment, { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(offsets, assignments, fc.infiniteStream(fc.nat()), async (ahead, stated, random) => {
        const records = stated.map(({ producer, label, jump }) =>
          written(label, now + (ahead[producer] + jump) * minute, producer),
        );
        const shuffled = records
          .map((record) => ({ record, key: random.next().value ?? 0 }))
          .sort((a, b) => a.key - b.key)
          .map(({ record }) => record);
        const first = await live(records);
        expect(first.refused).toBe(0);
        expect(await live([...shuffled, ...records])).toEqual(first);
        expect(await rebuilt(shuffled, now + 30 * 24 * 60 * minute)).toEqual(first.winner);
      }),
      { numRuns: 60 },
    );
  });

  it('win by their time, then by annotator and label: a clock that is behind loses', async () => {
    const records = [
      written('fast', now + minute, 'a'),
      written('slow', now - minute, 'b'),
      written('early', now - 60 * minute, 'c'),
    ];
    expect((await live(records)).winner).toMatchObject({ label: 'fast' });
    const tied = [
      written('x', now, 'a'),
      written('x', now, 'b'),
      written('w', now, 'b'),
      written(null, now, 'b'),
    ];
    expect((await live(tied)).winner).toMatchObject({ annotator: 'b', label: 'x' });
    expect((await live(tied.toReversed())).winner).toMatchObject({ annotator: 'b', label: 'x' });
  });

  it('are refused where they lie further in the future than MAX_CLOCK_SKEW, live and in a rebuild', async () => {
    const allowed = written('allowed', now, 'a', now + maxFutureMs);
    const later = written('later', now, 'b', now + maxFutureMs + 1);
    const wrongClock = written('wrong clock', now + 24 * 60 * minute, 'c');
    const records = [allowed, later, wrongClock];
    expect(await live(records)).toMatchObject({ refused: 2, winner: { label: 'allowed' } });
    expect(await rebuilt(records, now)).toMatchObject({ label: 'allowed' });
    expect(await rebuilt(records.slice(0, 2), now + 24 * 60 * minute)).toMatchObject({ label: 'allowed' });
  });
});
