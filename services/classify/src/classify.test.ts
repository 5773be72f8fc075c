import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createMemoryLog, partitionFor } from '@headwater/log';
import { parseCompositeKey } from '@headwater/schemas';
import type { Service } from '@headwater/service-kit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TaskView } from './api/task-views.ts';
import { ClassifyFixture, dayOne, eventually, refOf, vectorOf } from './testing/classify-fixture.ts';

let fixture: ClassifyFixture;
beforeEach(async () => {
  fixture = await ClassifyFixture.open({ log: createMemoryLog() });
});
afterEach(() => fixture.close());

async function sendImages(from: number, to: number, into = fixture): Promise<void> {
  for (let image = from; image < to; image++) await into.sendVector(`i${image}`, vectorOf(image % 3, image));
}

async function sendLabels(from: number, to: number, into = fixture): Promise<void> {
  for (let image = from; image < to; image++) await into.sendLabel(`i${image}`, `c${image % 3}`);
}

/** Waits until the join has committed so many predictions. */
function predicted(count: number, into = fixture): Promise<unknown> {
  return eventually(async () => (await into.predictions()).length >= count);
}

async function servedVersion(service: Service, version: number): Promise<void> {
  await eventually(async () => {
    const { status, body } = await fixture.api<{ version: number }>(service, '/v1/tasks/digit/head');
    return status === 200 && body.version === version;
  });
}

describe('classify on the log in memory', () => {
  it('learns from labels, publishes heads and answers with them', async () => {
    const service = await fixture.start();
    await sendImages(0, 30);
    await sendLabels(0, 30);
    const settled = await fixture.settled(30);
    expect(settled.classes).toEqual(['c0', 'c1', 'c2']);
    await servedVersion(service, settled.version);
    await fixture.sendVector('new', vectorOf(1, 99));
    const prediction = await eventually(async () =>
      (await fixture.predictions()).find(({ imageId, head }) => imageId === 'new' && head !== null),
    );
    const { version, digest } = settled;
    expect(prediction).toMatchObject({ label: 'c1', head: { version, digest } });
    expect(await fixture.predictions()).toHaveLength(31);
    await service.stop();
    await service.stopped;
  });

  it('goes on at once when the clock is set back by an hour, and forth again', async () => {
    await fixture.start();
    const clock = vi.spyOn(Date, 'now');
    try {
      for (const [turn, hours] of [0, -1, 0].entries()) {
        clock.mockImplementation(
          () => Math.round(performance.timeOrigin + performance.now()) + hours * 3_600_000,
        );
        await sendImages(10 * turn, 10 * turn + 10);
        await sendLabels(10 * turn, 10 * turn + 10);
        await fixture.settled(10 * turn + 10);
      }
    } finally {
      clock.mockRestore();
    }
  });

  it('answers every image, also before there is a head, and says so', async () => {
    await fixture.start({ TASKS: 'digit,other' });
    await sendImages(0, 3);
    await predicted(6);
    for (const { head, label, probabilities } of await fixture.predictions()) {
      expect({ head, label, probabilities }).toEqual({ head: null, label: null, probabilities: {} });
    }
  });

  it('gives the same digests whatever the partitions, the order, corrections and repetitions', async () => {
    const digests: string[][] = [];
    for (const partitions of [1, 6]) {
      const one = await ClassifyFixture.open({ log: createMemoryLog(), partitions });
      try {
        await one.start();
        if (partitions === 1) {
          await sendImages(0, 40, one);
          await sendLabels(0, 30, one);
        } else {
          await sendLabels(0, 30, one);
          for (let image = 0; image < 30; image++)
            await one.sendLabel(`i${image}`, 'wrong', { assignedAt: dayOne + 1 });
          await sendImages(0, 40, one);
          await one.sendLabel('i35', 'c1');
          await one.settled(31);
          await sendImages(10, 20, one);
          await one.sendLabel('i35', null, { assignedAt: dayOne + 3_000 });
        }
        const { setDigest, digest } = await one.settled(30);
        digests.push([setDigest, digest]);
      } finally {
        await one.close();
      }
    }
    expect(digests[1]).toEqual(digests[0]);
  });

  it('forgets a class with its last example, and the head when nothing is left', async () => {
    const service = await fixture.start();
    await sendImages(0, 6);
    await sendLabels(0, 6);
    await fixture.settled(6);
    for (const image of ['i2', 'i5']) await fixture.erase(image);
    expect((await fixture.settled(4)).classes).toEqual(['c0', 'c1']);
    for (const image of ['i0', 'i1', 'i3', 'i4']) await fixture.erase(image);
    await eventually(async () => (await fixture.api(service, '/v1/tasks/digit/head')).status === 503);
    const examples = await fixture.records(fixture.names.topics.examples);
    const newest = new Map(examples.map(({ key, value }) => [key?.toString(), value]));
    expect([...newest.values()].every((value) => value === null)).toBe(true);
  });

  it('sends labels on to the partition of their image, once', async () => {
    await fixture.start();
    await sendImages(0, 1);
    const { topics } = fixture.names;
    const home = partitionFor('i0', 3);
    const label = { imageId: 'i0', task: 'digit', label: 'c0', assignedAt: dayOne + 1, annotator: 'p' };
    await fixture.send(topics.labels, 'i0', fixture.codecs.labels.encode(label), (home + 1) % 3);
    await fixture.settled(1);
    const labels = await fixture.records(topics.labels);
    expect(labels.map(({ partition }) => partition).sort()).toEqual([home, (home + 1) % 3].sort());
    expect(await fixture.deadLetters(topics.labels)).toEqual([]);
  });

  it('puts bad records aside with their reason, and lets their neighbours through', async () => {
    await fixture.start({ MAX_TASKS: '1' });
    const { topics } = fixture.names;
    await sendImages(0, 3);
    await sendLabels(0, 1);
    await fixture.settled(1);
    const far = Date.now() + 3_600_000;
    await fixture.sendLabel('i1', 'c1', { assignedAt: far });
    await fixture.sendLabel('i1', '', {});
    await fixture.sendLabel('i1', 'c1', { task: 'another' });
    await fixture.send(topics.labels, 'i1', Buffer.from('not avro'));
    await fixture.send(topics.labels, 'i1', null);
    await fixture.send(
      topics.labels,
      'other',
      fixture.codecs.labels.encode({
        imageId: 'i1',
        task: 'digit',
        label: 'c1',
        assignedAt: dayOne + 1,
        annotator: '',
      }),
    );
    await fixture.send(topics.labels, null, Buffer.from('no key'), 0);
    await fixture.send(topics.vectors('eight.v1'), 'i9', Buffer.alloc(0));
    await fixture.sendVector('nan', [Number.NaN, 0, 0, 0, 0, 0, 0, 0]);
    await sendLabels(1, 3);
    await fixture.settled(3);
    const ofLabels = await eventually(async () => {
      const letters = await fixture.deadLetters(topics.labels);
      return letters.length >= 7 && letters;
    });
    const invalid = Array.from({ length: 4 }, () => 'record-invalid');
    expect(ofLabels).toEqual(['limit-exceeded', 'record-empty', ...invalid, 'wire-format-invalid']);
    const ofVectors = await eventually(async () => {
      const letters = await fixture.deadLetters(topics.vectors('eight.v1'));
      return letters.length >= 2 && letters;
    });
    expect(ofVectors).toEqual(['record-empty', 'vector-not-finite']);
  });

  it('does the same work when each role is a process of its own', async () => {
    const api = await fixture.start({ ROLES: 'api' });
    await fixture.start({ ROLES: 'train' });
    const join = await fixture.start({ ROLES: 'join' });
    expect(join.url).toBeUndefined();
    await sendImages(0, 9);
    await predicted(9);
    await sendLabels(0, 9);
    const settled = await fixture.settled(9);
    await servedVersion(api, settled.version);
    const { body } = await fixture.api<TaskView>(api, '/v1/tasks/digit');
    expect(body.newest?.digest).toBe(settled.digest);
    await fixture.sendVector('new', vectorOf(2, 99));
    await eventually(async () => (await fixture.predictions()).some(({ label }) => label === 'c2'));
  });

  it('names the record that each output came of', async () => {
    await fixture.start();
    await sendImages(0, 4);
    await predicted(4);
    const { topics } = fixture.names;
    const sources = await fixture.records(topics.vectors('eight.v1'));
    const causes = (await fixture.records(topics.predictions)).map(({ key, headers }) => [
      key?.toString(),
      headers['headwater.source.topic']?.toString(),
      headers['headwater.source.partition']?.toString(),
      headers['headwater.source.offset']?.toString(),
    ]);
    const expected = sources.map(({ key, topic, partition, offset }) => [
      key?.toString(),
      topic,
      String(partition),
      String(offset),
    ]);
    expect(causes.sort()).toEqual(expected.sort());
  });
});

describe('two extractors', () => {
  it('train a head each; the first of the list serves and decides which vectors are answered', async () => {
    const two = await ClassifyFixture.open({ log: createMemoryLog(), extractors: ['eight.v2', 'eight.v1'] });
    try {
      const service = await two.start();
      const send = async (image: number, extractor: string) =>
        two.sendVector(`i${image}`, vectorOf(image % 3, image), { extractor: refOf(extractor) });
      for (let image = 0; image < 9; image++) await send(image, 'eight.v1');
      await sendLabels(0, 9, two);
      const first = await two.settled(9);
      expect(first.extractor).toBe('eight.v1');
      await eventually(async () => (await two.api(service, '/v1/tasks/digit/head')).status === 200);
      await send(20, 'eight.v1');
      await eventually(async () => (await two.predictions()).some(({ head }) => head !== null));
      for (let image = 0; image < 9; image++) await send(image, 'eight.v2');
      await eventually(async () => {
        const { status, body } = await two.api<{ extractor: string }>(service, '/v1/tasks/digit/head');
        return status === 200 && body.extractor === 'eight.v2';
      });
      await send(21, 'eight.v1');
      await send(21, 'eight.v2');
      await send(22, 'eight.v2');
      const answers = await eventually(async () => {
        const found = (await two.predictions()).filter(
          ({ imageId }) => imageId === 'i21' || imageId === 'i22',
        );
        return found.length >= 2 && found;
      });
      expect(answers.map(({ extractor }) => extractor)).toEqual(['eight.v2', 'eight.v2']);
    } finally {
      await two.close();
    }
  });
});

describe('after a restart', () => {
  const copy = () => `${fixture.dataDir}-copy`;
  afterEach(() => rmSync(copy(), { recursive: true, force: true }));

  /** Runs a first life: 12 images, 9 labels; answers what was published. */
  async function firstLife() {
    const service = await fixture.start();
    await sendImages(0, 12);
    await predicted(12);
    await sendLabels(0, 9);
    const head = await fixture.settled(9);
    await service.stop();
    return head;
  }

  it('goes on where it was: no answer twice, no version twice, no head without need', async () => {
    const before = await firstLife();
    const lines = fixture.logged.length;
    const service = await fixture.start();
    await servedVersion(service, before.version);
    expect(new Set(fixture.outcomes('join', lines))).toEqual(new Set(['current']));
    const { body } = await fixture.api<TaskView>(service, '/v1/tasks/digit');
    expect(body.served.unanswered).toBe(9);
    await sendImages(12, 15);
    await predicted(15);
    expect(await fixture.heads()).toContainEqual(before);
    expect((await fixture.heads()).at(-1)).toEqual(before);
    await sendLabels(9, 12);
    const after = await fixture.settled(12);
    expect(after.version).toBeGreaterThan(before.version);
    const versions = (await fixture.heads()).map(({ version }) => version);
    expect(new Set(versions).size).toBe(versions.length);
    expect(await fixture.predictions()).toHaveLength(15);
  });

  it('rebuilds a store that was lost, and comes to the same digests', async () => {
    const before = await firstLife();
    rmSync(fixture.dataDir, { recursive: true });
    const lines = fixture.logged.length;
    await fixture.start();
    expect(new Set(fixture.outcomes('train', lines))).toContain('rebuilt');
    await fixture.sendLabel('i0', 'c1', { assignedAt: dayOne + 5_000 });
    const corrected = await eventually(async () => {
      const head = await fixture.settled(9);
      return head.setDigest !== before.setDigest && head;
    });
    await fixture.sendLabel('i0', 'c0', { assignedAt: dayOne + 6_000 });
    const restored = await eventually(async () => {
      const head = await fixture.settled(9);
      return head.version > corrected.version && head;
    });
    expect([restored.setDigest, restored.digest]).toEqual([before.setDigest, before.digest]);
    expect(await fixture.predictions()).toHaveLength(12);
  });

  it('rolls a store forward that was written before the last commits', async () => {
    const first = await fixture.start();
    await sendImages(0, 6);
    await predicted(6);
    await sendLabels(0, 3);
    await fixture.settled(3);
    await first.stop();
    cpSync(fixture.dataDir, copy(), { recursive: true });
    const second = await fixture.start();
    await sendImages(6, 12);
    await predicted(12);
    await sendLabels(3, 9);
    const before = await fixture.settled(9);
    await second.stop();
    rmSync(fixture.dataDir, { recursive: true });
    cpSync(copy(), fixture.dataDir, { recursive: true });
    const examples = (await fixture.records(fixture.names.topics.examples)).length;
    const lines = fixture.logged.length;
    await fixture.start();
    expect(new Set(fixture.outcomes('join', lines))).toContain('rolled-forward');
    await fixture.sendLabel('i0', 'c0');
    await sendLabels(9, 12);
    await fixture.settled(12);
    await fixture.sendLabel('i9', null, { assignedAt: dayOne + 9_000 });
    await fixture.sendLabel('i10', null, { assignedAt: dayOne + 9_000 });
    await fixture.sendLabel('i11', null, { assignedAt: dayOne + 9_000 });
    const after = await fixture.settled(9);
    expect([after.setDigest, after.digest]).toEqual([before.setDigest, before.digest]);
    expect(await fixture.predictions()).toHaveLength(12);
    expect(await fixture.records(fixture.names.topics.examples)).toHaveLength(examples + 6);
  });

  it('does not believe a store that is ahead of the log', async () => {
    await firstLife();
    const fresh = await ClassifyFixture.open({ log: createMemoryLog() });
    try {
      cpSync(join(fixture.dataDir), fresh.dataDir, { recursive: true });
      await fresh.start();
      expect(new Set(fresh.outcomes('join'))).toContain('rebuilt');
      await sendImages(0, 3, fresh);
      await sendLabels(0, 3, fresh);
      expect((await fresh.settled(3)).version).toBeGreaterThan(0);
      const keys = (await fresh.records(fresh.names.topics.examples)).map(({ key }) => key?.toString() ?? '');
      expect(new Set(keys.map((key) => parseCompositeKey(key)[2]))).toEqual(new Set(['i0', 'i1', 'i2']));
    } finally {
      await fresh.close();
    }
  });
});
