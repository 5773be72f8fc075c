/** Whether a head detects unknown classes: 1,000 labels of five digits, and a test split with all ten. */
import { auroc, openHead, trainHead } from '@headwater/heads';
import { buildSet, draw, exampleAt, indicesOf, mean, round } from '../examples.mjs';
import { say } from '../progress.mjs';
import { atLeast } from '../targets.mjs';

const low = [0, 1, 2, 3, 4];
const high = [5, 6, 7, 8, 9];
const labels = 1000;
const draws = 5;

export const novelty = {
  id: 'novelty',
  title: 'AUROC of novelty for digits without labels, 1,000 labels of the other five, means of five draws',
  measure,
};

async function measure({ digits: { train, test } }) {
  const tested = indicesOf(test, [...low, ...high]);
  const figures = {};
  for (const [name, known] of Object.entries({
    'labelled 0–4, unseen 5–9': low,
    'labelled 5–9, unseen 0–4': high,
  })) {
    const pool = indicesOf(train, known);
    const runs = [];
    for (let seed = 1; seed <= draws; seed++)
      runs.push(measureDraw(train, draw(pool, labels, seed), test, tested, known));
    const average = (figure) => round(mean(runs.map((run) => run[figure])), 6);
    figures[name] = {
      novelty: average('novelty'),
      confidence: average('confidence'),
      percentile: average('percentile'),
    };
    say(`  ${name}: ${JSON.stringify(figures[name])}`);
  }
  const targets = Object.entries(figures).map(([name, area]) =>
    atLeast(`AUROC of novelty, ${name}`, area.novelty, 0.97),
  );
  return { figures, targets };
}

/** Beside novelty, what the head's own doubt (one minus its largest probability) would tell; and the mean percentile of known digits. */
function measureDraw(train, indices, test, tested, known) {
  const set = buildSet(indices.map((index) => exampleAt(train, index)));
  const classifier = openHead(trainHead(set, { kind: 'lda', mode: 'settled' }));
  const cases = tested.map((index) => {
    const { novelty: score, probabilities } = classifier.predict(exampleAt(test, index).vector);
    if (score === null) throw new Error('this head has no novelty');
    return { score, doubt: 1 - Math.max(...probabilities), positive: !known.includes(test.labels[index]) };
  });
  return {
    novelty: auroc(cases),
    confidence: auroc(cases.map(({ doubt, positive }) => ({ score: doubt, positive }))),
    percentile: mean(cases.filter(({ positive }) => !positive).map(({ score }) => score)),
  };
}
