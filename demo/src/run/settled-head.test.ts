/** The end of a run, told by what stands in the topics; every state in which it is not the end yet must hold it up. */
import { createMemoryLog, createNames, type Log, partitionFor, topicSpecs } from '@headwater/log';
import {
  compositeKey,
  createFingerprintIds,
  type HeadMode,
  type HeadTrained,
  openCodec,
} from '@headwater/schemas';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitForSettledHead } from './settled-head.ts';

const names = createNames();
const { topics, groups } = names;
const extractor = 'tiny.v1';
const task = 'digit';
const partitions = 3;
const heads = await openCodec(createFingerprintIds(), 'HeadTrained', topics.heads);

let log: Log;

beforeEach(async () => {
  log = createMemoryLog();
  await log.admin.ensureTopics(topicSpecs(names, { extractors: [extractor], partitions }), { create: true });
});
afterEach(() => log.close());

async function write(topic: string, count: number, partition = 0): Promise<void> {
  const producer = await log.openProducer();
  const record = { topic, partition, key: 'k', value: Buffer.from('x') };
  await producer.send(Array.from({ length: count }, () => record));
}

async function publishHead(
  version: number,
  watermark: number,
  mode: HeadMode = 'settled',
  of = task,
  kind: HeadTrained['kind'] = 'lda',
) {
  const producer = await log.openProducer();
  const value = heads.encode({
    extractor,
    task: of,
    kind,
    version,
    digest: `digest ${version}`,
    setDigest: 'set',
    arithmetic: 1,
    watermark,
    mode,
    classes: ['0', '1'],
    parameters: Buffer.from('w'),
    dimensions: 2,
    examples: watermark,
    regularization: null,
    temperature: 1,
    measurements: {},
    trainedAt: 1,
  });
  await producer.send([{ topic: topics.heads, key: compositeKey(extractor, of, kind, version), value }]);
}

/** The join, as far as its progress goes: reads labels and vectors and commits. */
async function startJoin(): Promise<void> {
  const partitionGroup = await log.openPartitionGroup({
    group: groups.join,
    topics: [topics.labels, topics.vectors(extractor)],
    transactionalId: (partition) => names.transactionalId(groups.join, partition),
    deadLetterTopic: topics.deadLetters,
    open: async () => ({
      process: async () => ({ records: [], deadLetters: [] }),
      close: () => undefined,
    }),
  });
  await partitionGroup.ready;
}

function wait(timeoutMs: number, signal = new AbortController().signal) {
  return waitForSettledHead({
    log,
    names,
    codecs: { heads },
    extractor,
    task,
    kind: 'lda',
    timeoutMs,
    interval: 10,
    signal,
  });
}

const examplesPartition = partitionFor(task, partitions);

describe('the wait for the settled head', () => {
  it('ends at once where there is nothing to learn', async () => {
    await expect(wait(1000)).resolves.toBeNull();
  });

  it('waits for the join to read all labels', async () => {
    await write(topics.labels, 3, 1);
    await expect(wait(50)).rejects.toMatchObject({
      code: 'timed-out',
      message: 'after 0.05 s: the join has read labels/1 up to 0 of 3',
    });
    const waiting = wait(30_000);
    await startJoin();
    await expect(waiting).resolves.toBeNull();
  });

  it('waits for a head at all', async () => {
    await write(topics.examples, 5, examplesPartition);
    await expect(wait(50)).rejects.toThrow(
      `no settled head of digit; examples/${examplesPartition} ends at 5`,
    );
  });

  it('does not take an older head, a provisional one, or one of another task or kind for it', async () => {
    await write(topics.examples, 5, examplesPartition);
    await publishHead(1, 4);
    await publishHead(2, 5, 'provisional');
    await publishHead(3, 5, 'settled', 'other');
    await publishHead(4, 5, 'settled', task, 'ncm');
    await expect(wait(50)).rejects.toThrow(
      `settled head 1 has learned examples/${examplesPartition} up to 4 of 5`,
    );
  });

  it('resolves to the head that has learned all examples', async () => {
    await write(topics.examples, 5, examplesPartition);
    await publishHead(1, 4);
    const waiting = wait(30_000);
    await publishHead(2, 5);
    await expect(waiting).resolves.toMatchObject({ version: 2, digest: 'digest 2' });
  });

  it('ends on abort', async () => {
    await write(topics.examples, 5, examplesPartition);
    const controller = new AbortController();
    const waiting = wait(30_000, controller.signal);
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });
});
