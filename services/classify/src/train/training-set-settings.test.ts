import { createMemoryLog } from '@headwater/log';
import { loadConfig } from '@headwater/service-kit';
import { expect, it } from 'vitest';
import { classifyEnvironment } from '../environment.ts';
import { ClassifyFixture, eventually, vectorOf } from '../testing/classify-fixture.ts';
import { trainingSetSettingsOf } from './training-set-settings.ts';

const rulesOf = (environment: Record<string, string>) =>
  trainingSetSettingsOf(loadConfig(classifyEnvironment, environment));

it('allows as many examples as can be summed exactly, or fewer', () => {
  expect(rulesOf({})).toMatchObject({ lift: null, maxExamples: 2 ** 27, maxSets: 100 });
  expect(rulesOf({ LIFT: '2000' })).toMatchObject({ lift: 2_000, maxExamples: 2 ** 26 });
  expect(rulesOf({ LIFT: '2000', MAX_EXAMPLES: '134217728' })).toMatchObject({ maxExamples: 2 ** 26 });
  expect(rulesOf({ MAX_EXAMPLES: '5', MAX_TASKS: '7', EXTRACTORS: 'a.v1,b.v1' })).toMatchObject({
    maxExamples: 5,
    maxSets: 14,
  });
  expect(() => rulesOf({ LIFT: '6' })).toThrow('LIFT');
});

it('rejects, in the trainer, the one example too many, and learns the others', async () => {
  const fixture = await ClassifyFixture.open({ log: createMemoryLog() });
  try {
    await fixture.start({ MAX_EXAMPLES: '6' });
    for (let i = 0; i < 8; i++) {
      await fixture.sendVector(`i${i}`, vectorOf(i % 3, i));
      await fixture.sendLabel(`i${i}`, `c${i % 3}`);
    }
    const refused = await eventually(async () => {
      const letters = await fixture.deadLetters(fixture.names.topics.examples);
      return letters.length === 2 && letters;
    });
    expect(refused).toEqual(['statistics-overflow', 'statistics-overflow']);
    await fixture.settled(6);
  } finally {
    await fixture.close();
  }
});
