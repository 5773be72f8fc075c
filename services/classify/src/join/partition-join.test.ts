import { createNames, type LogRecord } from '@headwater/log';
import { createFingerprintIds, openVectorCodec } from '@headwater/schemas';
import { beforeEach, describe, expect, it } from 'vitest';
import { classify, type Predictor } from '../predict/predictor.ts';
import { Draft } from '../store/state.ts';
import { contractOf, refOf, vectorOf } from '../testing/classify-fixture.ts';
import { InMemoryState } from '../testing/in-memory-state.ts';
import { openJoinCodecs } from './join-codecs.ts';
import { PartitionJoin } from './partition-join.ts';
import { readScores } from './state/partition-counts.ts';

const names = createNames();
const ids = createFingerprintIds();
const extractors = ['a.v1', 'b.v1'];
let asked: string;
let offset: bigint;
let partition: PartitionJoin;
let state: InMemoryState;

beforeEach(async () => {
  asked = 'a.v1';
  offset = 0n;
  state = new InMemoryState();
  const predict: Predictor = {
    tasks: () => ['digit'],
    asked: () => asked,
    answer: (vector, task, now) => classify(vector, task, undefined, now),
  };
  const { labels, examples, predictions } = names.topics;
  partition = new PartitionJoin({
    partition: 0,
    group: names.groups.join,
    topics: {
      labels,
      refusedLabels: names.topics.deadLetters(labels),
      examples,
      predictions,
      vectors: new Map(extractors.map((id) => [names.topics.vectors(id), id])),
    },
    codecs: await openJoinCodecs(ids, names),
    partitions: { inputs: 1, examples: 1 },
    limits: { maxTasks: 5, maxClasses: 5 },
    maxFutureMs: 0,
    declaredTasks: ['digit'],
    predict,
    dimensions: () => undefined,
  });
});

async function vectorRecord(extractor: string, imageId: string, receivedAt: number): Promise<LogRecord> {
  const topic = names.topics.vectors(extractor);
  const codec = await openVectorCodec(ids, contractOf(extractor), topic);
  const value = codec.encode({
    imageId,
    extractor: refOf(extractor),
    vector: Float32Array.from(vectorOf(1, 1)),
    labels: {},
    group: null,
    source: 's',
    receivedAt,
    extractedAt: receivedAt,
  });
  return {
    topic,
    partition: 0,
    offset: offset++,
    timestamp: 50,
    key: Buffer.from(imageId),
    value,
    headers: {},
  };
}

/** Extractors of the predictions that the record caused. */
async function handle(record: LogRecord): Promise<string[]> {
  const draft = new Draft(state);
  const { predictions } = await partition.handle(record, draft, 100);
  keep(draft);
  return predictions.map(({ extractor }) => extractor);
}

function keep(draft: Draft): void {
  state.commit((own) => own.absorb(draft));
}

describe('a partition of the join with two extractors', () => {
  it('predicts an image whose vectors came on either side of a switch, and each image once', async () => {
    asked = 'b.v1';
    expect(await handle(await vectorRecord('a.v1', 'i1', 1))).toEqual([]);
    asked = 'a.v1';
    expect(await handle(await vectorRecord('b.v1', 'i1', 1))).toEqual(['a.v1']);
    expect(await handle(await vectorRecord('a.v1', 'i2', 2))).toEqual(['a.v1']);
    expect(await handle(await vectorRecord('b.v1', 'i2', 2))).toEqual([]);
  });

  it('predicts an image again that is sent again', async () => {
    expect(await handle(await vectorRecord('a.v1', 'i1', 1))).toEqual(['a.v1']);
    expect(await handle(await vectorRecord('b.v1', 'i1', 1))).toEqual([]);
    expect(await handle(await vectorRecord('a.v1', 'i1', 2))).toEqual(['a.v1']);
    expect(await handle(await vectorRecord('b.v1', 'i1', 2))).toEqual([]);
  });

  it.each([Buffer.of(0xff), Buffer.from('a\u0000'), Buffer.from('..'), Buffer.alloc(1_025, 'x'), null])(
    'rejects every record, also an erasure, whose key is no image id: %j',
    async (key) => {
      const vector = await vectorRecord('a.v1', 'i1', 1);
      for (const record of [
        { ...vector, key },
        { ...vector, key, value: null },
      ]) {
        const draft = new Draft(state);
        await expect(partition.handle(record, draft, 100)).rejects.toMatchObject({ code: 'record-invalid' });
        await partition.replay([record], draft);
        expect(draft.changes.size).toBe(0);
      }
    },
  );

  it('does not score predictions that were lost with the store', async () => {
    const draft = new Draft(state);
    await partition.replay([await vectorRecord('a.v1', 'i1', 1)], draft);
    keep(draft);
    const label = { imageId: 'i1', task: 'digit', label: 'x', assignedAt: 1, annotator: '' };
    const { labels } = await openJoinCodecs(ids, names);
    const value = labels.encode(label);
    const topic = names.topics.labels;
    await handle({
      topic,
      partition: 0,
      offset: 0n,
      timestamp: 50,
      key: Buffer.from('i1'),
      value,
      headers: {},
    });
    expect(readScores(state).size).toBe(0);
  });
});
