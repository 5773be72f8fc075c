import type { LogRecord } from '@headwater/log';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { numbersOf, TrainerFixture } from '../../testing/trainer-fixture.ts';
import { RetainedTrainingSets } from './retained-sets.ts';

let fixture: TrainerFixture;
beforeEach(async () => {
  fixture = await TrainerFixture.open();
});
afterEach(() => fixture.close());

describe('a partition that is reopened in the same process', () => {
  const setDigest = () => fixture.openTrainingSets.find('eight.v1', 'digit')?.set.setDigest;
  let retainedSets: RetainedTrainingSets;
  let log: LogRecord[];

  beforeEach(async () => {
    retainedSets = new RetainedTrainingSets();
    await fixture.reopen(0n, { retainedSets });
    log = fixture.batch(0, 12);
    await fixture.commit(await fixture.process(log));
  });

  /** Closes the partition, reopens it with the retained sets, and sums the sets again for comparison. */
  async function reopen(position: bigint): Promise<{ kept: string | undefined; anew: string | undefined }> {
    await fixture.reopen(position, { retainedSets, log });
    const kept = setDigest();
    await fixture.reopen(position, { log });
    return { kept, anew: setDigest() };
  }

  it('keeps its training sets', async () => {
    const before = setDigest();
    const { kept, anew } = await reopen(fixture.tail);
    expect(fixture.opened.slice(-2)).toMatchObject([
      { outcome: 'current', setsRetained: true },
      { outcome: 'current', setsRetained: false },
    ]);
    expect([kept, anew]).toEqual([before, before]);
  });

  it('undoes what was not committed, and learns what was committed since', async () => {
    const before = setDigest();
    await fixture.process([fixture.example(3, 'c2'), fixture.example(40, 'c1'), fixture.example(5, null)]);
    expect(setDigest()).not.toBe(before);
    fixture.tail -= 3n;
    log = [...log, ...fixture.batch(50, 53), fixture.example(4, 'c2'), fixture.example(6, null)];
    const { kept, anew } = await reopen(fixture.tail);
    expect(fixture.opened.at(-2)).toMatchObject({
      outcome: 'rolled-forward',
      records: 5,
      setsRetained: true,
    });
    expect(kept).toBe(anew);
    expect(fixture.openTrainingSets.find('eight.v1', 'digit')?.set.examples).toBe(14);
  });

  it('sums its sets again where its store was replaced', async () => {
    const { kept, anew } = await reopen(4n);
    expect(fixture.opened.at(-2)).toMatchObject({ outcome: 'rebuilt', setsRetained: false });
    expect(kept).toBe(anew);
  });

  it('sums its sets again where a batch was in progress at the close', async () => {
    // The store is closed while the batch is being learned.
    const learning = fixture.process(fixture.batch(60, 64)).catch(() => undefined);
    fixture.tail -= 4n;
    const closing = fixture.session.close();
    await learning;
    await closing;
    await fixture.openPartition(fixture.tail, { retainedSets, log });
    expect(fixture.opened.at(-1)).toMatchObject({ outcome: 'current', setsRetained: false });
  });

  it('does not use sets that do not match the store', async () => {
    await fixture.session.close();
    const kept = retainedSets.take(0);
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
    if (kept !== undefined) retainedSets.keep(0, kept);
    await fixture.openPartition(fixture.tail, { retainedSets, log });
    expect(fixture.opened.at(-1)).toMatchObject({ setsRetained: false });
    expect(fixture.openTrainingSets.find('eight.v1', 'digit')?.set.examples).toBe(12);
  });
});
