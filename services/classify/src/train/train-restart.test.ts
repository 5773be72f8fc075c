import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TrainerFixture } from '../testing/trainer-fixture.ts';

let fixture: TrainerFixture;
beforeEach(async () => {
  fixture = await TrainerFixture.open();
});
afterEach(() => fixture.close());

describe('the train processor after a restart', () => {
  it('continues with the same set and the next version, and solves no head without need', async () => {
    await fixture.learn(fixture.batch(0, 6));
    const before = await fixture.settle();
    await fixture.reopen(fixture.tail);
    expect(await fixture.idle()).toBeNull();
    expect(await fixture.learn(fixture.batch(6, 9))).toMatchObject({
      version: (before?.version ?? 0) + 1,
      examples: 9,
    });
  });

  it('solves a head that was not published before the restart', async () => {
    fixture.held = [];
    await fixture.commit(await fixture.process(fixture.batch(0, 6)));
    await fixture.session.close();
    fixture.held = undefined;
    await fixture.openPartition(fixture.tail);
    expect(await fixture.settle()).toMatchObject({ version: 1, mode: 'settled', examples: 6, watermark: 6 });
  });

  it('gives no version twice to a task that was empty at the restart', async () => {
    await fixture.learn(fixture.batch(0, 3));
    const retracted = [0, 1, 2].map((image) => fixture.example(image, null));
    await fixture.commit(await fixture.process(retracted));
    expect(fixture.table.activation('digit')).toBeUndefined();
    await fixture.reopen(fixture.tail);
    expect(await fixture.learn(fixture.batch(0, 3))).toMatchObject({ version: 2, examples: 3 });
  });

  it('solves again when the settings change', async () => {
    await fixture.learn(fixture.batch(0, 6));
    await fixture.settle();
    await fixture.reopen(fixture.tail, { prior: 'empirical' });
    expect(await fixture.settle()).toMatchObject({ version: 3, mode: 'settled' });
  });

  it('counts a score once, also when examples are processed again, and keeps it', async () => {
    await fixture.learn(fixture.batch(0, 9));
    const records = fixture.batch(9, 12);
    await fixture.process(records);
    await fixture.learn(records);
    await fixture.reopen(fixture.tail);
    const head = await fixture.learn(fixture.batch(12, 14));
    expect(head?.measurements.prequentialExamples).toBe(5);
  });

  it('learns only the window, and the same one after the restart', async () => {
    const window = { newest: 6 };
    await fixture.reopen(0n, { window });
    const head = await fixture.learn(fixture.batch(0, 9));
    expect(head?.examples).toBe(6);
    await fixture.reopen(fixture.tail, { window });
    expect(await fixture.settle()).toMatchObject({ examples: 6, setDigest: head?.setDigest });
    expect(await fixture.learn(fixture.batch(9, 12))).toMatchObject({ examples: 6 });
  });
});
