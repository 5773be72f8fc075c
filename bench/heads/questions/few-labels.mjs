/** How far a hundred labels go, and a thousand: the digits 5 to 9, means over five draws. */
import { judgeLogistic } from '../baseline.mjs';
import { buildSet, draw, exampleAt, indicesOf, inOrder, judgeHead, mean, round } from '../examples.mjs';
import { say } from '../progress.mjs';
import { atLeast, notBelow } from '../targets.mjs';

const digits = [5, 6, 7, 8, 9];
const draws = 5;
const aims = { 100: 0.945, 1000: 0.983 };
const measured = ['accuracy', 'logLoss', 'calibrationError'];

export const fewLabels = {
  id: 'few-labels',
  title: 'digits 5 to 9, 100 and 1,000 labels, means of five draws',
  measure,
};

async function measure(workplace) {
  const figures = {};
  const targets = [];
  for (const count of [100, 1000]) {
    const { heads, logistic } = await measureCount(workplace, count);
    figures[count] = { heads, logistic };
    targets.push(
      atLeast(`accuracy with ${count} labels`, heads.lda.accuracy, aims[count]),
      ...notBelow(
        `accuracy with ${count} labels beside logistic regression`,
        heads.lda.accuracy,
        logistic?.accuracy,
      ),
    );
  }
  return { figures, targets };
}

async function measureCount(workplace, count) {
  const { train, test } = workplace.digits;
  const pool = indicesOf(train, digits);
  const testIndices = indicesOf(test, digits);
  const runs = Object.fromEntries(workplace.kinds.map((kind) => [kind, []]));
  const baselines = [];
  for (let seed = 1; seed <= draws; seed++) {
    const chosen = draw(pool, count, seed);
    const examples = inOrder(chosen.map((index) => exampleAt(train, index)));
    const set = buildSet(examples);
    for (const kind of workplace.kinds)
      runs[kind].push(judgeHead(set, { kind, mode: 'settled' }, test, testIndices, examples));
    baselines.push(await judgeLogistic(workplace, chosen, testIndices));
  }
  const heads = Object.fromEntries(Object.entries(runs).map(([kind, some]) => [kind, average(some)]));
  const logistic = baselines.includes(null) ? null : average(baselines);
  say(`  ${count} labels: ${JSON.stringify({ heads, logistic })}`);
  return { heads, logistic };
}

function average(runs) {
  const means = measured.map((name) => [name, round(mean(runs.map((run) => run[name])), 6)]);
  const accuracies = runs.map((run) => run.accuracy);
  return { ...Object.fromEntries(means), lowestAccuracy: Math.min(...accuracies) };
}
