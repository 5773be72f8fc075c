import { createTrainingSet } from '@headwater/heads';
import { expect, it } from 'vitest';
import { InMemoryState } from '../testing/in-memory-state.ts';
import { OpenTrainingSets } from '../train/examples/open-training-sets.ts';
import { TrainingSets } from '../train/examples/training-sets.ts';
import { Reviewer } from './reviewer.ts';

it('limits concurrent scans over all examples, and accepts another when one ends', async () => {
  const reviewer = new Reviewer({
    sets: new OneSet(),
    partitionOf: () => 0,
    newestHead: () => undefined,
    settingsOf: () => ({ prior: 'uniform' }),
  });
  const ask = () =>
    reviewer.neighbours('eight.v1', 'digit', { imageId: 'new', vector: new Int16Array(8) }, 3);
  const answers = await Promise.allSettled(Array.from({ length: 6 }, ask));
  expect(answers.map(({ status }) => status)).toEqual([
    ...Array(4).fill('fulfilled'),
    'rejected',
    'rejected',
  ]);
  expect(answers[4]).toMatchObject({ reason: { code: 'overloaded' } });
  expect(await ask()).toEqual({ considered: 0, neighbours: [] });
});

class OneSet extends OpenTrainingSets {
  override find(extractor: string, task: string) {
    const set = createTrainingSet({ extractor, task, dimensions: 8 });
    return { store: new InMemoryState(), sets: new TrainingSets(), set };
  }
}
