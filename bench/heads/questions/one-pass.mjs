/**
 * How good heads get when every label came once: the digits 5 to 9, which the net has never seen, and all ten. Targets are for the best
 * head: of the kinds that learned, the one with the smallest log loss on examples left out, so that the test split chooses nothing.
 */
import { judgeLogistic } from '../baseline.mjs';
import { buildSet, exampleAt, indicesOf, inOrder, judgeHead } from '../examples.mjs';
import { say } from '../progress.mjs';
import { atLeast, atMost, notBelow } from '../targets.mjs';

export const unseenDigits = {
  id: 'unseen-digits',
  title: 'digits 5 to 9, all labels, one pass',
  measure: (workplace) =>
    measureOnePass(workplace, {
      digits: [5, 6, 7, 8, 9],
      targets: (best) => [
        atLeast('accuracy', best.accuracy, 0.99),
        atMost('log loss', best.logLoss, 0.035),
        atMost('calibration error', best.calibrationError, 0.005),
      ],
    }),
};

export const allDigits = {
  id: 'all-digits',
  title: 'all ten digits, all labels, one pass',
  measure: (workplace) =>
    measureOnePass(workplace, {
      digits: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
      targets: (best) => [atLeast('accuracy', best.accuracy, 0.985)],
    }),
};

async function measureOnePass(workplace, { digits, targets }) {
  const { train, test } = workplace.digits;
  const [trainIndices, testIndices] = [indicesOf(train, digits), indicesOf(test, digits)];
  const examples = inOrder(trainIndices.map((index) => exampleAt(train, index)));
  const set = buildSet(examples);
  const heads = {};
  for (const kind of workplace.kinds) {
    heads[kind] = judgeHead(set, { kind, mode: 'settled' }, test, testIndices, examples);
    say(`  ${kind}: ${JSON.stringify(heads[kind])}`);
  }
  const logistic = await judgeLogistic(workplace, trainIndices, testIndices);
  say(`  logistic regression: ${JSON.stringify(logistic)}`);
  const bestKind = workplace.kinds.reduce((found, kind) =>
    heads[kind].leftOutLogLoss < heads[found].leftOutLogLoss ? kind : found,
  );
  const best = heads[bestKind];
  say(`  ${bestKind} is the best on examples left out`);
  const figures = { labels: trainIndices.length, tested: testIndices.length, bestKind, heads, logistic };
  const beside = notBelow('accuracy beside logistic regression', best.accuracy, logistic?.accuracy);
  return { figures, targets: [...targets(best), ...beside] };
}
