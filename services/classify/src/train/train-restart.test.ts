import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TrainerRig } from '../testing/trainer-fixture.ts';

let rig: TrainerRig;
beforeEach(async () => {
  rig = await TrainerRig.open();
});
afterEach(() => rig.close());

describe('the trainer’s session after a restart', () => {
  it('goes on after a restart: the same set, the next version, no head without need', async () => {
    await rig.learn(rig.batch(0, 6));
    const before = await rig.settle();
    await rig.reopen(rig.tail);
    expect(await rig.idle()).toBeNull();
    expect(await rig.learn(rig.batch(6, 9))).toMatchObject({
      version: (before?.version ?? 0) + 1,
      examples: 9,
    });
  });

  it('solves after a restart what nobody published before it', async () => {
    rig.held = [];
    await rig.commit(await rig.process(rig.batch(0, 6)));
    await rig.session.close();
    rig.held = undefined;
    await rig.openLane(rig.tail);
    expect(await rig.settle()).toMatchObject({ version: 1, mode: 'settled', examples: 6, watermark: 6 });
  });

  it('gives no version twice to a task that was empty at a restart', async () => {
    await rig.learn(rig.batch(0, 3));
    const retracted = [0, 1, 2].map((image) => rig.example(image, null));
    await rig.commit(await rig.process(retracted));
    expect(rig.table.activation('digit')).toBeUndefined();
    await rig.reopen(rig.tail);
    expect(await rig.learn(rig.batch(0, 3))).toMatchObject({ version: 2, examples: 3 });
  });

  it('solves again when the choices change', async () => {
    await rig.learn(rig.batch(0, 6));
    await rig.settle();
    await rig.reopen(rig.tail, { prior: 'empirical' });
    expect(await rig.settle()).toMatchObject({ version: 3, mode: 'settled' });
  });

  it('counts a score once, whatever is processed again, and keeps it through a restart', async () => {
    await rig.learn(rig.batch(0, 9));
    const records = rig.batch(9, 12);
    await rig.process(records);
    await rig.learn(records);
    await rig.reopen(rig.tail);
    const head = await rig.learn(rig.batch(12, 14));
    expect(head?.measurements.prequentialExamples).toBe(5);
  });

  it('learns a window alone, and the same one after a restart', async () => {
    const window = { newest: 6 };
    await rig.reopen(0n, { window });
    const head = await rig.learn(rig.batch(0, 9));
    expect(head?.examples).toBe(6);
    await rig.reopen(rig.tail, { window });
    expect(await rig.settle()).toMatchObject({ examples: 6, setDigest: head?.setDigest });
    expect(await rig.learn(rig.batch(9, 12))).toMatchObject({ examples: 6 });
  });
});
