/**
 * Equivalent texts are one class, and a bad label affects nothing else: a join and a trainer on a log in
 * memory.
 */
import { createMemoryLog, type LogRecord, partitionFor } from '@headwater/log';
import { compositeKey } from '@headwater/schemas';
import { loadConfig } from '@headwater/service-kit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { classifyEnvironment } from '../environment.ts';
import { backfill } from '../offline/rebuild/backfill.ts';
import { ClassifyFixture, dayOne, eventually, vectorOf } from '../testing/classify-fixture.ts';
import { strictSince } from './record-checks.ts';

let fixture: ClassifyFixture;
beforeEach(async () => {
  fixture = await ClassifyFixture.open({ log: createMemoryLog() });
});
afterEach(() => fixture.close());

const message = ({ headers }: LogRecord) => String(headers['__connect.errors.exception.message']);
const letters = (topic: string) => fixture.records(fixture.names.topics.deadLetters(topic));

/** Writes a label as an older version accepted it. */
async function sendOldLabel(imageId: string, label: string, assignedAt: number): Promise<void> {
  const { labels: topic } = fixture.names.topics;
  const value = fixture.codecs.labels.encode({ imageId, task: 'digit', label, assignedAt, annotator: 'ann' });
  const producer = await fixture.log.openProducer();
  await producer.send([{ topic, key: imageId, value, timestamp: strictSince - 1 }]);
  await producer.close();
}

/** Digests of the training set and of its head, rebuilt from the examples or from vectors and labels. */
async function rebuilt(from: 'examples' | 'vectors') {
  const config = loadConfig(classifyEnvironment, { EXTRACTORS: 'eight.v1', DATA_DIR: fixture.dataDir });
  const report = await backfill({
    clients: fixture.dependencies(),
    config,
    task: 'digit',
    workers: 1,
    publish: false,
    from,
  });
  return { outcomes: report.heads.map(({ outcome }) => outcome), table: report.table };
}

describe('the identity of a label', () => {
  it('makes one class of two encodings, by Kafka and with an image, and a backfill agrees to the last bit', async () => {
    await fixture.start();
    const encodings = ['caf\u00e9', 'cafe\u0301'];
    for (let image = 0; image < 8; image++) {
      const labels: Record<string, string> = image < 4 ? { digit: encodings[image % 2] ?? '' } : {};
      await fixture.sendVector(`i${image}`, vectorOf(image % 3, image), { labels });
      if (image >= 4) await fixture.sendLabel(`i${image}`, image < 6 ? (encodings[image % 2] ?? '') : 'bar');
    }
    expect((await fixture.settled(8)).classes).toEqual(['bar', 'caf\u00e9']);
    for (const from of ['examples', 'vectors'] as const) {
      expect((await rebuilt(from)).outcomes).toEqual(['equal']);
    }
  });

  it('keeps the labels that an older version accepted: one class, live, restarted and rebuilt', async () => {
    const service = await fixture.start();
    const old = ['cat', ' cat', 'cat\r', 'c\u200bat', 'dog', 'dog\0'];
    for (const [image, label] of old.entries()) {
      await fixture.sendVector(`i${image}`, vectorOf(image % 2, image));
      await sendOldLabel(`i${image}`, label, image);
    }
    // The later of two old labels wins, in whatever spelling.
    await sendOldLabel('i0', 'dog ', 7);
    const head = await fixture.settled(6);
    expect(head.classes).toEqual(['cat', 'dog']);
    for (const from of ['examples', 'vectors'] as const) {
      const { outcomes, table } = await rebuilt(from);
      expect(outcomes).toEqual(['equal']);
      if (table !== null) expect(table).toEqual({ equal: 6, missing: 0, extra: 0, different: 0 });
    }
    await service.stop();
    const lines = fixture.logged.length;
    await fixture.start();
    await eventually(async () => fixture.outcomes('train', lines).length === 3);
    expect((await fixture.settled(6)).setDigest).toBe(head.setDigest);
    expect(await letters(fixture.names.topics.labels)).toEqual([]);
  });

  it('reads the examples of an older version as their class', async () => {
    await fixture.start();
    for (const [image, label] of ['cat', 'cat ', 'cafe\u0301', 'caf\u00e9'].entries()) {
      const imageId = `i${image}`;
      const fields = { assignedAt: dayOne, annotator: '', group: null };
      const vector = Int16Array.from({ length: 8 }, (_, at) => (at === image ? 8_192 : 0));
      const example = { extractor: 'eight.v1', task: 'digit', imageId, label, vector, ...fields };
      const key = compositeKey('eight.v1', 'digit', imageId);
      const value = fixture.codecs.examples.encode(example);
      await fixture.send(fixture.names.topics.examples, key, value, partitionFor('digit', 3));
    }
    expect((await fixture.settled(4)).classes).toEqual(['caf\u00e9', 'cat']);
    expect((await rebuilt('examples')).outcomes).toEqual(['equal']);
  });

  it('rejects, with the reason, a label by Kafka that ingest would not accept', async () => {
    await fixture.start();
    const now = Date.now();
    await fixture.sendVector('i0', vectorOf(0, 0));
    const bad: [string, Partial<{ task: string; assignedAt: number }>, string][] = [
      [' cat', {}, 'white space'],
      ['cat\r', {}, 'control character'],
      ['\tcat', {}, 'control character'],
      ['c\0at', {}, 'control character'],
      ['c\u200bat', {}, 'U+200B'],
      ['c\u00adat', {}, 'U+00AD'],
      ['\ufeffcat', {}, 'U+FEFF'],
      ['猫'.repeat(86), {}, '255 bytes'],
      ['cat', { task: 'digit ' }, 'white space'],
      ['cat', { assignedAt: -1 }, 'negative'],
      ['cat', { assignedAt: 0 }, 'milliseconds since 1970'],
      ['cat', { assignedAt: Math.floor(now / 1_000) }, 'seconds'],
      ['cat', { assignedAt: now * 1_000 }, 'microseconds'],
      ['cat', { assignedAt: now + 3_600_000 }, 'after the record'],
    ];
    for (const [label, fields] of bad) await fixture.sendLabel('i0', label, fields);
    await fixture.sendLabel('i0', 'cat');
    expect((await fixture.settled(1)).classes).toEqual(['cat']);
    const found = await letters(fixture.names.topics.labels);
    expect(found.map(message)).toEqual(bad.map(([, , reason]) => expect.stringContaining(reason)));
  });
});

describe('a bad label that comes with an image', () => {
  const { labels } = { labels: { digit: 'cat', style: 'old ', 'size ': 'big' } };

  it('is a dead letter by itself, and the image gets its prediction and its other labels', async () => {
    await fixture.start();
    await fixture.sendVector('i0', vectorOf(0, 0), { labels, receivedAt: dayOne });
    expect((await fixture.settled(1)).classes).toEqual(['cat']);
    expect(await fixture.predictions()).toMatchObject([{ imageId: 'i0', task: 'digit' }]);
    const { topics } = fixture.names;
    expect(await letters(topics.vectors('eight.v1'))).toEqual([]);
    const found = await letters(topics.labels);
    expect(found.map(message)).toEqual([
      'a label that came with the image: label begins or ends with white space (U+0020)',
      'a label that came with the image: task begins or ends with white space (U+0020)',
    ]);
    const statements = await Promise.all(
      found.map(({ value }) => fixture.codecs.labels.decode(value as Buffer)),
    );
    expect(statements).toMatchObject([
      { imageId: 'i0', task: 'style', label: 'old ', assignedAt: dayOne, annotator: 'test' },
      { imageId: 'i0', task: 'size ', label: 'big' },
    ]);
    expect((await rebuilt('vectors')).outcomes).toEqual(['equal']);
  });

  it('does not prevent the prediction when it exceeds a limit or lies in the future', async () => {
    await fixture.start({ MAX_TASKS: '1' });
    await fixture.sendVector('i0', vectorOf(0, 0), { labels: { digit: 'cat' } });
    await fixture.settled(1);
    await fixture.sendVector('i1', vectorOf(1, 1), { labels: { style: 'old' } });
    await fixture.sendVector('i2', vectorOf(1, 2), {
      labels: { digit: 'dog' },
      receivedAt: Date.now() + 3_600_000,
    });
    await eventually(async () => (await fixture.predictions()).length === 3);
    const found = await letters(fixture.names.topics.labels);
    expect(found.map(message).sort()).toEqual([
      expect.stringContaining('receivedAt lies too far after'),
      expect.stringContaining('MAX_TASKS'),
    ]);
  });
});

it('a vector with an invalid time is a dead letter, with or without labels', async () => {
  await fixture.start();
  const times = [-1, 0, 1_700_000_000, 1_700_000_000_000_000];
  for (const [at, receivedAt] of times.entries()) {
    await fixture.sendVector(`i${at}`, vectorOf(0, at), { receivedAt });
  }
  await fixture.sendVector('good', vectorOf(0, 9));
  const topic = fixture.names.topics.vectors('eight.v1');
  const found = await eventually(async () => {
    const all = await letters(topic);
    return all.length === times.length && all;
  });
  expect(found.every((letter) => message(letter).startsWith('receivedAt must be milliseconds'))).toBe(true);
  await eventually(async () => (await fixture.predictions()).map(({ imageId }) => imageId).join() === 'good');
});
