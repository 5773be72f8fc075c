import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../testing/classify-fixture.ts';
import { TrainerFixture } from '../testing/trainer-fixture.ts';

let fixture: TrainerFixture;
beforeEach(async () => {
  fixture = await TrainerFixture.open();
});
afterEach(() => fixture.close());

describe('several kinds of heads of one task', () => {
  it('trains every kind from the same set, each with its own versions; one of them serves', async () => {
    await fixture.reopen(0n, { kinds: ['lda', 'ncm', 'ridge'] });
    await fixture.commit(await fixture.process(fixture.batch(0, 9)));
    await eventually(async () => fixture.started.length === 3);
    await eventually(async () => {
      await fixture.offered();
      return fixture.table.headsOf('digit').length === 3;
    });
    const known = fixture.table.headsOf('digit');
    expect(new Set(known.map(({ setDigest }) => setDigest)).size).toBe(1);
    expect(known.map(({ kind, version }) => `${kind} ${version}`).sort()).toEqual([
      'lda 1',
      'ncm 1',
      'ridge 1',
    ]);
    expect(fixture.table.activation('digit')).toMatchObject({ kind: 'lda', version: 1 });
    expect(fixture.started.sort()).toEqual([
      'lda provisional now',
      'ncm provisional later',
      'ridge provisional later',
    ]);
  });

  it('solves settled heads at once when provisional solves end after labels have paused', async () => {
    await fixture.reopen(0n, { kinds: ['lda', 'ncm'] });
    fixture.held = [];
    await fixture.commit(await fixture.process(fixture.batch(0, 9)));
    await eventually(async () => fixture.started.length === 2);
    await fixture.idle();
    const now = performance.now.bind(performance);
    // The solves seem to take an hour, after which a series that does not serve rests for a day.
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + 3_600_000);
    try {
      fixture.release();
      await eventually(async () => {
        await fixture.offered();
        return fixture.started.includes('ncm settled later');
      });
    } finally {
      clock.mockRestore();
    }
  });

  it.each(['mlp', 'softmax'] as const)(
    'gives settled heads of kind %s all present examples, and none of the removed ones',
    async (kind) => {
      await fixture.reopen(fixture.tail, { kinds: [kind] });
      await fixture.learn([...fixture.batch(0, 9), fixture.example(2, null)]);
      expect([fixture.started.at(-1), fixture.givenMore]).toEqual([`${kind} provisional now`, undefined]);
      const head = await fixture.settle();
      expect(head).toMatchObject({ kind, mode: 'settled', examples: 8 });
      const images = fixture.givenMore?.map(({ imageId }) => imageId).sort();
      expect(images).toEqual(['i0', 'i1', 'i3', 'i4', 'i5', 'i6', 'i7', 'i8']);
    },
  );
});
