/**
 * Whether label errors rank first: one label in twenty is wrong, and the leave-one-out margin should separate
 * them.
 */
import { auroc, rankLabelErrors } from '@headwater/heads';
import { buildSet, draw, exampleAt, indicesOf, mean, round, seededUniform } from '../examples.mjs';
import { say } from '../progress.mjs';
import { atLeast } from '../targets.mjs';

const digits = [5, 6, 7, 8, 9];
const flippedShare = 0.05;
const draws = 5;

export const flippedLabels = {
  id: 'flipped-labels',
  title: 'AUROC of finding 5 % flipped labels among 200, 1,000 and 5,000, digits 5 to 9, means of five draws',
  measure,
};

async function measure({ digits: { train } }) {
  const pool = indicesOf(train, digits);
  const figures = {};
  for (const count of [200, 1000, 5000]) {
    const areas = [];
    for (let seed = 1; seed <= draws; seed++) areas.push(measureDraw(train, draw(pool, count, seed), seed));
    figures[count] = { auroc: round(mean(areas), 6), lowest: round(Math.min(...areas), 6) };
    say(`  ${count} labels: ${JSON.stringify(figures[count])}`);
  }
  const targets = Object.entries(figures).map(([count, { auroc: area }]) => {
    return atLeast(`AUROC of flipped labels among ${count}`, area, 0.98);
  });
  return { figures, targets };
}

function measureDraw(train, indices, seed) {
  const next = seededUniform(seed);
  const flipped = new Set(draw(indices, Math.round(flippedShare * indices.length), seed + 1000));
  const examples = indices.map((index) => {
    if (!flipped.has(index)) return exampleAt(train, index);
    const others = digits.filter((digit) => digit !== train.labels[index]);
    return exampleAt(train, index, String(others[Math.floor(next() * others.length)]));
  });
  const wrong = new Set([...flipped].map((index) => exampleAt(train, index).imageId));
  const suspects = rankLabelErrors(buildSet(examples), examples, { limit: examples.length });
  return auroc(suspects.map(({ imageId, margin }) => ({ score: -margin, positive: wrong.has(imageId) })));
}
