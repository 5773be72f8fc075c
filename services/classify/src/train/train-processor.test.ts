import { openHead } from '@headwater/heads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { numbersOf, TrainerRig } from '../testing/trainer-fixture.ts';

let rig: TrainerRig;
beforeEach(async () => {
  rig = await TrainerRig.open();
});
afterEach(() => rig.close());

describe('the trainer’s session', () => {
  it('publishes a head of what is committed, and a settled one when labels pause', async () => {
    const first = await rig.process(rig.batch(0, 9));
    expect(first.records).toEqual([]);
    await rig.commit(first);
    const [provisional] = await rig.offered();
    expect(provisional).toMatchObject({ version: 1, mode: 'provisional', examples: 9, watermark: 9 });
    rig.tail += 1n;
    const settled = await rig.settle();
    expect(settled).toMatchObject({
      version: 2,
      mode: 'settled',
      watermark: 10,
      setDigest: provisional?.setDigest,
    });
    expect(await rig.idle()).toBeNull();
    expect(await rig.offer()).toBeNull();
    expect(rig.table.activation('digit')).toMatchObject({ version: 2, reason: 'champion' });
  });

  it('goes on learning while a head is solved, and publishes it with the next batch', async () => {
    rig.held = [];
    await rig.commit(await rig.process(rig.batch(0, 9)));
    const second = await rig.process(rig.batch(9, 12));
    expect(second.records).toEqual([]);
    await rig.commit(second);
    rig.release();
    await rig.solved();
    const third = await rig.process(rig.batch(12, 15));
    expect(await rig.headsOf(third)).toMatchObject([{ version: 1, examples: 9, watermark: 9 }]);
    await rig.commit(third);
    expect(await rig.offered()).toMatchObject([{ version: 2, examples: 15, watermark: 15 }]);
  });

  it('drops a settled solve when labels come again', async () => {
    await rig.learn(rig.batch(0, 9));
    rig.held = [];
    await rig.commit(await rig.idle());
    expect(rig.started.at(-1)).toBe('lda settled later');
    rig.held = undefined;
    expect(await rig.learn(rig.batch(9, 12))).toMatchObject({
      version: 2,
      mode: 'provisional',
      examples: 12,
    });
    expect(await rig.settle()).toMatchObject({ version: 3, mode: 'settled', examples: 12 });
  });

  it('learns a batch once that was not committed and comes again', async () => {
    const records = rig.batch(0, 9);
    await rig.process(records);
    await rig.process(records.slice(0, 4));
    const head = await rig.learn(records);
    expect(head).toMatchObject({ version: 1, examples: 9 });
    expect(await rig.settle()).toMatchObject({ examples: 9, setDigest: head?.setDigest });
  });

  it('publishes a solved head once, also where its batch was not committed', async () => {
    await rig.commit(await rig.process(rig.batch(0, 9)));
    await rig.solved();
    expect(await rig.headsOf(await rig.process(rig.batch(9, 12)))).toMatchObject([{ version: 1 }]);
    const again = await rig.process(rig.batch(9, 12));
    expect(await rig.headsOf(again)).toMatchObject([{ version: 1, examples: 9 }]);
    await rig.commit(again);
    expect(await rig.headsOf(await rig.offer())).toEqual([]);
  });

  it('moves the watermark, and not the version, where examples came that changed nothing', async () => {
    await rig.learn(rig.batch(0, 6));
    const before = await rig.settle();
    await rig.commit(await rig.process([rig.example(0, 'c0'), rig.example(7, null)]));
    const idle = await rig.idle();
    const moved = await rig.headsOf(idle);
    expect(moved).toHaveLength(1);
    expect(moved[0]).toMatchObject({ version: before?.version, digest: before?.digest, watermark: 8 });
    expect(idle?.records).toHaveLength(1);
  });

  it('publishes no head of a set that is gone', async () => {
    await rig.commit(await rig.process(rig.batch(0, 3)));
    await rig.solved();
    const retracted = [0, 1, 2].map((image) => rig.example(image, null));
    const output = await rig.process(retracted);
    expect(await rig.headsOf(output)).toEqual([]);
    await rig.commit(output);
    expect(await rig.offer()).toBeNull();
  });

  it('learns no example of a task that no store has keys for, and its neighbours all the same', async () => {
    const output = await rig.process([rig.example(0, 'c0', 'ü'.repeat(128)), ...rig.batch(1, 9)]);
    expect(output.deadLetters?.map(({ error }) => error.code)).toEqual(['record-invalid']);
    await rig.commit(output);
    expect(await rig.offered()).toMatchObject([{ task: 'digit', examples: 8 }]);
  });

  it('goes on learning when a set cannot be solved, and solves it when labels pause', async () => {
    rig.failures = 1;
    await rig.commit(await rig.process(rig.batch(0, 6)));
    await rig.commit(await rig.process(rig.batch(6, 9)));
    expect(rig.table.headsOf('digit')).toEqual([]);
    expect(await rig.settle()).toMatchObject({ version: 1, mode: 'settled', examples: 9 });
  });

  it('scores new examples with the head that has not seen them', async () => {
    await rig.learn(rig.batch(0, 9));
    const head = await rig.learn([rig.example(9, 'c0'), rig.example(10, 'c2'), rig.example(0, 'c1')]);
    expect(head?.measurements).toMatchObject({
      prequentialExamples: 2,
      prequentialAccuracy: 0.5,
      'prequentialPrecision/c0': 1,
      'prequentialRecall/c2': 0,
    });
  });

  it('tombstones versions that are too old, and never the one that serves', async () => {
    for (let image = 0; image < 24; image++) {
      await rig.learn([rig.example(image, `c${image % 2}`)]);
      if (image === 1) await rig.pin(2);
    }
    const versions = rig.table.headsOf('digit').map(({ version }) => version);
    expect(versions).toEqual([...Array.from({ length: 20 }, (_, index) => 24 - index), 2]);
    expect(rig.table.activation('digit')).toMatchObject({ version: 2, reason: 'pinned' });
  });

  it('gives a head that can be opened', async () => {
    const head = await rig.learn(rig.batch(0, 9));
    if (head === undefined || !(head.parameters instanceof Uint8Array)) throw new Error('no head');
    const { kind, classes, dimensions, parameters } = head;
    const classifier = openHead({ kind, classes, dimensions, parameters });
    expect(classifier.predict(numbersOf(70)).label).toBe('c1');
  });
});
