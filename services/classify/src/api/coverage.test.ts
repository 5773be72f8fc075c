/** Where several processes share the work, each tells of its own part, and says which part that is. */
import { createMemoryLog } from '@headwater/log';
import { expect, it } from 'vitest';
import { ClassifyFixture, eventually, vectorOf } from '../testing/classify-fixture.ts';

interface Covered {
  readonly partitions: readonly number[];
  readonly ofPartitions: number;
  readonly trainedHere?: boolean;
  readonly series?: readonly object[];
}

it('answers say which partitions they cover, of how many, and whether the task is trained here', async () => {
  const fixture = await ClassifyFixture.open({ log: createMemoryLog(), partitions: 4 });
  try {
    const services = [await fixture.start(), await fixture.start()];
    for (let i = 0; i < 30; i++) {
      await fixture.sendVector(`i${i}`, vectorOf(i % 3, i));
      await fixture.sendLabel(`i${i}`, `c${i % 3}`);
    }
    await fixture.settled(30);
    const ask = (path: string) =>
      Promise.all(services.map(async (service) => (await fixture.api<Covered>(service, path)).body));
    const measured = await eventually(async () => {
      const answers = await ask('/v1/tasks/digit/measurements');
      return answers.flatMap(({ partitions }) => partitions).length === 4 && answers;
    });
    expect(measured.flatMap(({ partitions }) => partitions).sort()).toEqual([0, 1, 2, 3]);
    for (const { partitions, ofPartitions } of measured) {
      expect([partitions.length, ofPartitions]).toEqual([2, 4]);
    }
    expect(measured.map(({ trainedHere }) => trainedHere).sort()).toEqual([false, true]);
    for (const { trainedHere, series } of measured) expect(series).toHaveLength(trainedHere === true ? 1 : 0);
    for (const path of ['/v1/tasks/digit/predictions', '/v1/tasks/digit/next']) {
      const answers = await ask(path);
      expect(answers.map(({ ofPartitions }) => ofPartitions)).toEqual([4, 4]);
      expect(answers.map(({ partitions }) => partitions.length)).toEqual([2, 2]);
    }
    const listed = await Promise.all(
      services.map(async (service) => (await fixture.api<{ join: Covered }>(service, '/v1/tasks')).body.join),
    );
    expect(listed.map(({ ofPartitions }) => ofPartitions)).toEqual([4, 4]);
  } finally {
    await fixture.close();
  }
});
