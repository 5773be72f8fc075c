import { openHead } from '@headwater/heads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { numbersOf, TrainerFixture } from '../testing/trainer-fixture.ts';

let fixture: TrainerFixture;
beforeEach(async () => {
  fixture = await TrainerFixture.open();
});
afterEach(() => fixture.close());

describe('the train processor', () => {
  it('publishes a head of the committed examples, and a settled one when labels pause', async () => {
    const first = await fixture.process(fixture.batch(0, 9));
    expect(first.records).toEqual([]);
    await fixture.commit(first);
    const [provisional] = await fixture.offered();
    expect(provisional).toMatchObject({ version: 1, mode: 'provisional', examples: 9, watermark: 9 });
    fixture.tail += 1n;
    const settled = await fixture.settle();
    expect(settled).toMatchObject({
      version: 2,
      mode: 'settled',
      watermark: 10,
      setDigest: provisional?.setDigest,
    });
    expect(await fixture.idle()).toBeNull();
    expect(await fixture.offer()).toBeNull();
    expect(fixture.table.activation('digit')).toMatchObject({ version: 2, reason: 'champion' });
  });

  it('continues learning during a solve, and publishes the head with the next batch', async () => {
    fixture.held = [];
    await fixture.commit(await fixture.process(fixture.batch(0, 9)));
    const second = await fixture.process(fixture.batch(9, 12));
    expect(second.records).toEqual([]);
    await fixture.commit(second);
    fixture.release();
    await fixture.solved();
    const third = await fixture.process(fixture.batch(12, 15));
    expect(await fixture.headsOf(third)).toMatchObject([{ version: 1, examples: 9, watermark: 9 }]);
    await fixture.commit(third);
    expect(await fixture.offered()).toMatchObject([{ version: 2, examples: 15, watermark: 15 }]);
  });

  it('drops a settled solve when labels resume', async () => {
    await fixture.learn(fixture.batch(0, 9));
    fixture.held = [];
    await fixture.commit(await fixture.idle());
    expect(fixture.started.at(-1)).toBe('lda settled later');
    fixture.held = undefined;
    expect(await fixture.learn(fixture.batch(9, 12))).toMatchObject({
      version: 2,
      mode: 'provisional',
      examples: 12,
    });
    expect(await fixture.settle()).toMatchObject({ version: 3, mode: 'settled', examples: 12 });
  });

  it('learns a batch once that was not committed and is processed again', async () => {
    const records = fixture.batch(0, 9);
    await fixture.process(records);
    await fixture.process(records.slice(0, 4));
    const head = await fixture.learn(records);
    expect(head).toMatchObject({ version: 1, examples: 9 });
    expect(await fixture.settle()).toMatchObject({ examples: 9, setDigest: head?.setDigest });
  });

  it('publishes a solved head once, also where its batch was not committed', async () => {
    await fixture.commit(await fixture.process(fixture.batch(0, 9)));
    await fixture.solved();
    expect(await fixture.headsOf(await fixture.process(fixture.batch(9, 12)))).toMatchObject([
      { version: 1 },
    ]);
    const again = await fixture.process(fixture.batch(9, 12));
    expect(await fixture.headsOf(again)).toMatchObject([{ version: 1, examples: 9 }]);
    await fixture.commit(again);
    expect(await fixture.headsOf(await fixture.offer())).toEqual([]);
  });

  it('moves the watermark, and not the version, where new examples change nothing', async () => {
    await fixture.learn(fixture.batch(0, 6));
    const before = await fixture.settle();
    await fixture.commit(await fixture.process([fixture.example(0, 'c0'), fixture.example(7, null)]));
    const idle = await fixture.idle();
    const moved = await fixture.headsOf(idle);
    expect(moved).toHaveLength(1);
    expect(moved[0]).toMatchObject({ version: before?.version, digest: before?.digest, watermark: 8 });
    expect(idle?.records).toHaveLength(1);
  });

  it('publishes no head of an emptied set', async () => {
    await fixture.commit(await fixture.process(fixture.batch(0, 3)));
    await fixture.solved();
    const retracted = [0, 1, 2].map((image) => fixture.example(image, null));
    const output = await fixture.process(retracted);
    expect(await fixture.headsOf(output)).toEqual([]);
    await fixture.commit(output);
    expect(await fixture.offer()).toBeNull();
  });

  it('dead-letters an example whose task is too long for the store, and learns its neighbours', async () => {
    const output = await fixture.process([fixture.example(0, 'c0', 'ü'.repeat(128)), ...fixture.batch(1, 9)]);
    expect(output.deadLetters?.map(({ error }) => error.code)).toEqual(['record-invalid']);
    await fixture.commit(output);
    expect(await fixture.offered()).toMatchObject([{ task: 'digit', examples: 8 }]);
  });

  it('continues learning when a solve fails, and solves again when labels pause', async () => {
    fixture.failures = 1;
    await fixture.commit(await fixture.process(fixture.batch(0, 6)));
    await fixture.commit(await fixture.process(fixture.batch(6, 9)));
    expect(fixture.table.headsOf('digit')).toEqual([]);
    expect(await fixture.settle()).toMatchObject({ version: 1, mode: 'settled', examples: 9 });
  });

  it('scores new examples with a head that has not learned them', async () => {
    await fixture.learn(fixture.batch(0, 9));
    const head = await fixture.learn([
      fixture.example(9, 'c0'),
      fixture.example(10, 'c2'),
      fixture.example(0, 'c1'),
    ]);
    expect(head?.measurements).toMatchObject({
      prequentialExamples: 2,
      prequentialAccuracy: 0.5,
      'prequentialPrecision/c0': 1,
      'prequentialRecall/c2': 0,
    });
  });

  it('tombstones versions beyond the retention, and never the serving one', async () => {
    for (let image = 0; image < 24; image++) {
      await fixture.learn([fixture.example(image, `c${image % 2}`)]);
      if (image === 1) await fixture.pin(2);
    }
    const versions = fixture.table.headsOf('digit').map(({ version }) => version);
    expect(versions).toEqual([...Array.from({ length: 20 }, (_, index) => 24 - index), 2]);
    expect(fixture.table.activation('digit')).toMatchObject({ version: 2, reason: 'pinned' });
  });

  it('publishes a head that can be opened', async () => {
    const head = await fixture.learn(fixture.batch(0, 9));
    if (head === undefined || !(head.parameters instanceof Uint8Array)) throw new Error('no head');
    const { kind, classes, dimensions, parameters } = head;
    const classifier = openHead({ kind, classes, dimensions, parameters });
    expect(classifier.predict(numbersOf(70)).label).toBe('c1');
  });
});
