import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../testing/classify-fixture.ts';
import { TrainerRig } from '../testing/trainer-fixture.ts';

let rig: TrainerRig;
beforeEach(async () => {
  rig = await TrainerRig.open();
});
afterEach(() => rig.close());

describe('several kinds of heads of one task', () => {
  it('trains every kind from the same set, each with versions of its own, and one of them serves', async () => {
    await rig.reopen(0n, { kinds: ['lda', 'ncm', 'ridge'] });
    await rig.commit(await rig.process(rig.batch(0, 9)));
    await eventually(async () => rig.started.length === 3);
    await eventually(async () => {
      await rig.offered();
      return rig.table.headsOf('digit').length === 3;
    });
    const known = rig.table.headsOf('digit');
    expect(new Set(known.map(({ setDigest }) => setDigest)).size).toBe(1);
    expect(known.map(({ kind, version }) => `${kind} ${version}`).sort()).toEqual([
      'lda 1',
      'ncm 1',
      'ridge 1',
    ]);
    expect(rig.table.activation('digit')).toMatchObject({ kind: 'lda', version: 1 });
    expect(rig.started.sort()).toEqual([
      'lda provisional now',
      'ncm provisional later',
      'ridge provisional later',
    ]);
  });

  it.each(['mlp', 'softmax'] as const)(
    'gives settled heads of kind %s all examples that are kept, and not those that went',
    async (kind) => {
      await rig.reopen(rig.tail, { kinds: [kind] });
      await rig.learn([...rig.batch(0, 9), rig.example(2, null)]);
      expect([rig.started.at(-1), rig.givenMore]).toEqual([`${kind} provisional now`, undefined]);
      const head = await rig.settle();
      expect(head).toMatchObject({ kind, mode: 'settled', examples: 8 });
      const images = rig.givenMore?.map(({ imageId }) => imageId).sort();
      expect(images).toEqual(['i0', 'i1', 'i3', 'i4', 'i5', 'i6', 'i7', 'i8']);
    },
  );
});
