import { createMemoryLog } from '@headwater/log';
import { loadConfig } from '@headwater/service-kit';
import { expect, it } from 'vitest';
import { classifyEnvironment } from '../environment.ts';
import { eventually, Rig, vectorOf } from '../testing/classify-fixture.ts';
import { setRulesOf } from './set-rules.ts';

const rulesOf = (environment: Record<string, string>) =>
  setRulesOf(loadConfig(classifyEnvironment, environment));

it('allows as many examples as are summed exactly, or fewer', () => {
  expect(rulesOf({})).toMatchObject({ lift: null, maxExamples: 2 ** 27, maxSets: 100 });
  expect(rulesOf({ LIFT: '2000' })).toMatchObject({ lift: 2_000, maxExamples: 2 ** 26 });
  expect(rulesOf({ LIFT: '2000', MAX_EXAMPLES: '134217728' })).toMatchObject({ maxExamples: 2 ** 26 });
  expect(rulesOf({ MAX_EXAMPLES: '5', MAX_TASKS: '7', EXTRACTORS: 'a.v1,b.v1' })).toMatchObject({
    maxExamples: 5,
    maxSets: 14,
  });
  expect(() => rulesOf({ LIFT: '6' })).toThrow('LIFT');
});

it('refuses, in the trainer, the example that is one too many, and learns of the others', async () => {
  const rig = await Rig.open({ log: createMemoryLog() });
  try {
    await rig.start({ MAX_EXAMPLES: '6' });
    for (let i = 0; i < 8; i++) {
      await rig.sendVector(`i${i}`, vectorOf(i % 3, i));
      await rig.sendLabel(`i${i}`, `c${i % 3}`);
    }
    const refused = await eventually(async () => {
      const letters = await rig.deadLetters(rig.names.topics.examples);
      return letters.length === 2 && letters;
    });
    expect(refused).toEqual(['statistics-overflow', 'statistics-overflow']);
    await rig.settled(6);
  } finally {
    await rig.close();
  }
});
