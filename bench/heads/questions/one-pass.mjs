/** How good a head gets that sees every label once: the digits 5 to 9, which the net has never seen, and all ten. */
import { judgeLogistic } from '../baseline.mjs';
import { buildSet, exampleAt, indicesOf, judgeHead } from '../examples.mjs';
import { say } from '../progress.mjs';
import { atLeast, atMost, notBelow } from '../targets.mjs';

export const unseenDigits = {
  id: 'unseen-digits',
  title: 'digits 5 to 9, all labels, one pass',
  measure: (workplace) =>
    measureOnePass(workplace, {
      digits: [5, 6, 7, 8, 9],
      targets: ({ heads, logistic }) => [
        atLeast('accuracy', heads.lda.accuracy, 0.99),
        atMost('log loss', heads.lda.logLoss, 0.035),
        atMost('calibration error', heads.lda.calibrationError, 0.005),
        ...notBelow('accuracy beside logistic regression', heads.lda.accuracy, logistic?.accuracy),
      ],
    }),
};

export const allDigits = {
  id: 'all-digits',
  title: 'all ten digits, all labels, one pass',
  measure: (workplace) =>
    measureOnePass(workplace, {
      digits: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
      targets: ({ heads, logistic }) => [
        atLeast('accuracy', heads.lda.accuracy, 0.985),
        ...notBelow('accuracy beside logistic regression', heads.lda.accuracy, logistic?.accuracy),
      ],
    }),
};

async function measureOnePass(workplace, { digits, targets }) {
  const { train, test } = workplace.digits;
  const [trainIndices, testIndices] = [indicesOf(train, digits), indicesOf(test, digits)];
  const set = buildSet(trainIndices.map((index) => exampleAt(train, index)));
  const heads = {};
  for (const kind of workplace.kinds) {
    heads[kind] = judgeHead(set, { kind, mode: 'settled' }, test, testIndices);
    say(`  ${kind}: ${JSON.stringify(heads[kind])}`);
  }
  const logistic = await judgeLogistic(workplace, trainIndices, testIndices);
  say(`  logistic regression: ${JSON.stringify(logistic)}`);
  const figures = { labels: trainIndices.length, tested: testIndices.length, heads, logistic };
  return { figures, targets: targets(figures) };
}
