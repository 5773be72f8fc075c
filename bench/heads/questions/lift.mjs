/**
 * Gain of the random feature expansion over the linear head: all labels, one pass, 4,000 dimensions. Takes
 * minutes.
 */
import { judgeLogistic } from '../baseline.mjs';
import { buildSet, exampleAt, indicesOf, judgeHead } from '../examples.mjs';
import { say } from '../progress.mjs';
import { atLeast, notBelow } from '../targets.mjs';

const lift = 4000;
const aims = [
  { name: 'digits 5 to 9', digits: [5, 6, 7, 8, 9], aim: 0.994 },
  { name: 'all ten digits', digits: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], aim: 0.989 },
];

export const liftedDigits = {
  id: 'lift',
  title: 'digits 5 to 9 and all ten with a lift of 4,000, all labels, one pass (takes minutes)',
  measure,
};

async function measure(workplace) {
  const { train, test } = workplace.digits;
  const figures = {};
  const targets = [];
  for (const { name, digits, aim } of aims) {
    const [trainIndices, testIndices] = [indicesOf(train, digits), indicesOf(test, digits)];
    const start = performance.now();
    const set = buildSet(
      trainIndices.map((index) => exampleAt(train, index)),
      { lift },
    );
    const labelsPerSecond = Math.round((1000 * trainIndices.length) / (performance.now() - start));
    const lda = judgeHead(set, { kind: 'lda', mode: 'settled' }, test, testIndices);
    say(`  ${name}: ${JSON.stringify({ ...lda, labelsPerSecond })}`);
    const logistic = await judgeLogistic(workplace, trainIndices, testIndices);
    say(`  logistic regression without a lift: ${JSON.stringify(logistic)}`);
    figures[name] = { lda, labelsPerSecond, logistic };
    targets.push(
      atLeast(`accuracy with lift, ${name}`, lda.accuracy, aim),
      ...notBelow(`accuracy with lift beside logistic regression, ${name}`, lda.accuracy, logistic?.accuracy),
    );
  }
  return { figures, targets };
}
