/** Headwater's own heads on vectors in memory: their accuracy on test vectors. */
import { createTrainingSet, openHead, quantize, trainHead } from '@headwater/heads';

export function headAccuracy({ kind, examples, tests, dimensions }) {
  const set = createTrainingSet({ extractor: 'reproduce.v1', task: 'reproduce', dimensions });
  for (const [index, { vector, label }] of examples.entries()) {
    set.add({ imageId: `image-${index}`, label, group: null, vector: quantize(vector) });
  }
  const head = openHead(trainHead(set, { kind, mode: 'settled' }));
  const right = tests.filter(({ vector, label }) => head.predict(quantize(vector)).label === label);
  return right.length / tests.length;
}
