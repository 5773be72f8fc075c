import { rmSync } from 'node:fs';
import { createTrainingSet, trainHead } from '@headwater/heads';
import type { LogRecord } from '@headwater/log';
import type { HeadTrained } from '@headwater/schemas';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TaskSettings } from '../task-settings.ts';
import { eventually } from '../testing/classify-fixture.ts';
import { numbersOf, type TrainerChoices, TrainerFixture } from '../testing/trainer-fixture.ts';

let fixture: TrainerFixture;
beforeEach(async () => {
  fixture = await TrainerFixture.open();
});
afterEach(() => fixture.close());

describe('tasks with their own settings', () => {
  const own = {
    digit: { kinds: ['lda', 'ncm'], window: { newest: 6 } },
    defect: { prior: 'empirical', lift: 16 },
  } as const;
  const plain = { 'digit lda': 10, 'defect lda': 10 };
  const special = { 'digit lda': 6, 'digit ncm': 6, 'defect lda': 10 };
  let log: LogRecord[];

  async function learnBoth(
    choices: TrainerChoices,
    expected: Readonly<Record<string, number>>,
  ): Promise<void> {
    await fixture.reopen(0n, choices);
    log = [...fixture.batch(0, 10), ...fixture.batch(0, 10, 'defect')];
    await fixture.commit(await fixture.process(log));
    await settled(expected);
  }

  async function reopen(choices: TrainerChoices): Promise<void> {
    await fixture.session.close();
    fixture.started = [];
    await fixture.openPartition(fixture.tail, { log, ...choices });
  }

  /**
   * Pauses labels until the newest heads are settled, have this number of examples, and have learned
   * everything.
   */
  async function settled(expected: Readonly<Record<string, number>>): Promise<Map<string, HeadTrained>> {
    return eventually(async () => {
      await fixture.commit(await fixture.idle());
      await fixture.commit(await fixture.offer());
      const heads = newest();
      const isDone = (name: string, count: number) =>
        heads.get(name)?.mode === 'settled' && heads.get(name)?.examples === count;
      return Object.entries(expected).every(([name, count]) => isDone(name, count)) && heads;
    });
  }

  function newest(): Map<string, HeadTrained> {
    const known = ['digit', 'defect'].flatMap((task) => fixture.table.headsOf(task)).reverse();
    const names = new Map(known.map((head) => [`${head.task} ${head.kind}`, head]));
    return new Map(
      [...names].flatMap(([name, head]) => {
        const found = fixture.table.newest(head);
        return found === undefined ? [] : [[name, found] as const];
      }),
    );
  }

  const digests = (heads: ReadonlyMap<string, HeadTrained>, names: object) =>
    Object.keys(names).map((name) => `${name} ${heads.get(name)?.digest}`);

  /** Digest of the first ten images, computed without a trainer. */
  function digestByHand(task: string, { lift, prior }: Pick<TaskSettings, 'lift' | 'prior'>): string {
    const set = createTrainingSet({ extractor: 'eight.v1', task, dimensions: 8, lift: lift ?? null });
    for (let image = 0; image < 10; image++) {
      set.add({ imageId: `i${image}`, label: `c${image % 3}`, group: null, vector: numbersOf(image) });
    }
    return trainHead(set, { kind: 'lda', mode: 'settled', prior }).digest;
  }

  it('learn side by side, each with its settings', async () => {
    await learnBoth({ own }, special);
    const heads = newest();
    expect([...heads.keys()].sort()).toEqual(['defect lda', 'digit lda', 'digit ncm']);
    expect(heads.get('defect lda')?.digest).toBe(digestByHand('defect', { prior: 'empirical', lift: 16 }));
    expect(fixture.openTrainingSets.find('eight.v1', 'digit')?.set.examples).toBe(6);
  });

  it('get, after a restart with other settings, the heads of these, and later the former ones again', async () => {
    await learnBoth({ own }, special);
    const before = digests(newest(), special);
    await reopen({});
    expect(fixture.opened.at(-1)).toMatchObject({ outcome: 'rebuilt' });
    await eventually(async () => {
      const heads = await settled(plain);
      return heads.get('defect lda')?.digest === digestByHand('defect', { prior: 'uniform' });
    });
    expect(newest().get('digit lda')?.digest).toBe(digestByHand('digit', { prior: 'uniform' }));
    await reopen({ own });
    await eventually(async () => digests(await settled(special), special).join() === before.join());
  });

  it('are solved again where their settings differ, and nowhere else', async () => {
    await learnBoth({}, plain);
    const before = newest();
    await reopen({ own: { defect: own.defect } });
    expect(fixture.opened.at(-1)).toMatchObject({ outcome: 'current' });
    await eventually(
      async () => (await settled(plain)).get('defect lda')?.version !== before.get('defect lda')?.version,
    );
    expect(newest().get('defect lda')?.digest).toBe(digestByHand('defect', own.defect));
    expect(newest().get('digit lda')).toEqual(before.get('digit lda'));
    expect(fixture.started).toEqual(['lda settled later']);
  });

  it('are solved again also where the process ended before that', async () => {
    await learnBoth({}, plain);
    fixture.held = [];
    await reopen({ own: { defect: own.defect } });
    log.push(fixture.example(0, 'c1'));
    await fixture.commit(await fixture.process(log.slice(-1)));
    await fixture.session.close();
    fixture.held = undefined;
    await reopen({ own: { defect: own.defect } });
    await eventually(
      async () => (await settled(plain)).get('defect lda')?.digest === digestByHand('defect', own.defect),
    );
  });

  it('are solved again where their former settings are unknown, and keep the version of an equal head', async () => {
    await learnBoth({}, plain);
    const before = newest();
    await fixture.session.close();
    rmSync(fixture.folder, { recursive: true });
    await reopen({ own: { defect: own.defect } });
    expect(fixture.opened.at(-1)).toMatchObject({ outcome: 'rebuilt' });
    await eventually(
      async () => (await settled(plain)).get('defect lda')?.digest === digestByHand('defect', own.defect),
    );
    await eventually(async () => fixture.started.length === 2);
    await settled(plain);
    expect(newest().get('digit lda')).toEqual(before.get('digit lda'));
    await reopen({ own: { defect: own.defect } });
    expect(await fixture.idle()).toBeNull();
    expect(fixture.started).toEqual([]);
  });
});
