import type { LogRecord } from '@headwater/log';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { numbersOf, TrainerRig } from '../../testing/trainer-fixture.ts';
import { KeptSets } from './kept-sets.ts';

let rig: TrainerRig;
beforeEach(async () => {
  rig = await TrainerRig.open();
});
afterEach(() => rig.close());

describe('a lane that is opened again in the same process', () => {
  const setDigest = () => rig.openSets.find('eight.v1', 'digit')?.set.setDigest;
  let keptSets: KeptSets;
  let log: LogRecord[];

  beforeEach(async () => {
    keptSets = new KeptSets();
    await rig.reopen(0n, { keptSets });
    log = rig.batch(0, 12);
    await rig.commit(await rig.process(log));
  });

  /** Closes the lane, and opens it with the sets that were kept; then adds up anew, to compare. */
  async function reopen(position: bigint): Promise<{ kept: string | undefined; anew: string | undefined }> {
    await rig.reopen(position, { keptSets, log });
    const kept = setDigest();
    await rig.reopen(position, { log });
    return { kept, anew: setDigest() };
  }

  it('keeps its labelled sets', async () => {
    const before = setDigest();
    const { kept, anew } = await reopen(rig.tail);
    expect(rig.opened.slice(-2)).toMatchObject([
      { outcome: 'current', setsKept: true },
      { outcome: 'current', setsKept: false },
    ]);
    expect([kept, anew]).toEqual([before, before]);
  });

  it('takes back what was not committed, and learns what is committed since', async () => {
    const before = setDigest();
    await rig.process([rig.example(3, 'c2'), rig.example(40, 'c1'), rig.example(5, null)]);
    expect(setDigest()).not.toBe(before);
    rig.tail -= 3n;
    log = [...log, ...rig.batch(50, 53), rig.example(4, 'c2'), rig.example(6, null)];
    const { kept, anew } = await reopen(rig.tail);
    expect(rig.opened.at(-2)).toMatchObject({ outcome: 'rolled-forward', records: 5, setsKept: true });
    expect(kept).toBe(anew);
    expect(rig.openSets.find('eight.v1', 'digit')?.set.examples).toBe(14);
  });

  it('adds up anew where its store starts over', async () => {
    const { kept, anew } = await reopen(4n);
    expect(rig.opened.at(-2)).toMatchObject({ outcome: 'rebuilt', setsKept: false });
    expect(kept).toBe(anew);
  });

  it('adds up anew where a batch was under way when it was closed', async () => {
    // The store goes from under it.
    const learning = rig.process(rig.batch(60, 64)).catch(() => undefined);
    rig.tail -= 4n;
    const closing = rig.session.close();
    await learning;
    await closing;
    await rig.openLane(rig.tail, { keptSets, log });
    expect(rig.opened.at(-1)).toMatchObject({ outcome: 'current', setsKept: false });
  });

  it('does not take sets that are not those of the store', async () => {
    await rig.session.close();
    const kept = keptSets.take(0);
    kept?.sets.apply({
      extractor: 'eight.v1',
      task: 'digit',
      dimensions: 8,
      removed: null,
      added: {
        imageId: 'stray',
        label: 'c0',
        group: null,
        vector: numbersOf(1),
      },
    });
    if (kept !== undefined) keptSets.keep(0, kept);
    await rig.openLane(rig.tail, { keptSets, log });
    expect(rig.opened.at(-1)).toMatchObject({ setsKept: false });
    expect(rig.openSets.find('eight.v1', 'digit')?.set.examples).toBe(12);
  });
});
