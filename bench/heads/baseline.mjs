/** Logistic regression from scikit-learn, on the very vectors that the heads get. */
import { gather, judgeProbabilities } from './examples.mjs';

/** Inverse regularization, for unit vectors. */
const grid = [1, 10, 100, 1000];

/** Figures as of `judgeHead`; null where baselines are switched off. */
export async function judgeLogistic({ python, digits }, trainIndices, testIndices) {
  if (python === null) return null;
  const train = gather(digits.train, trainIndices);
  const test = gather(digits.test, testIndices);
  const { arrays, classes, C, seconds } = await python.call('logistic.py', {
    arrays: {
      train: { data: train.vectors, shape: [trainIndices.length, train.dimensions] },
      labels: { data: train.labels },
      test: { data: test.vectors, shape: [testIndices.length, test.dimensions] },
    },
    parameters: { grid },
  });
  const figures = judgeProbabilities(arrays.probabilities, classes.map(String), digits.test, testIndices);
  return { ...figures, C, fitSeconds: seconds };
}
