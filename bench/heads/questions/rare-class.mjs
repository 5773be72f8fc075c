/**
 * A new class must not be ignored beside old ones: five examples beside four classes with a thousand each.
 */
import { judgeLogistic } from '../baseline.mjs';
import { buildSet, draw, exampleAt, indicesOf, judgeHead, mean, round } from '../examples.mjs';
import { say } from '../progress.mjs';
import { atLeast } from '../targets.mjs';

const digits = [5, 6, 7, 8, 9];
const rareExamples = 5;
const otherExamples = 1000;
/** Each digit is the rare one once a draw. */
const draws = 2;

export const rareClass = {
  id: 'rare-class',
  title: 'recall of a digit with 5 examples beside four with 1,000, each of 5 to 9 in turn',
  measure,
};

async function measure(workplace) {
  const { train, test } = workplace.digits;
  const testIndices = indicesOf(test, digits);
  const recalls = { lda: {}, logistic: {} };
  const accuracies = { lda: [], logistic: [] };
  const note = (who, rare, figures) => {
    recalls[who][rare] = [...(recalls[who][rare] ?? []), figures.recall[rare]];
    accuracies[who].push(figures.accuracy);
  };
  for (let seed = 1; seed <= draws; seed++) {
    for (const rare of digits) {
      const chosen = digits.flatMap((digit) =>
        draw(indicesOf(train, [digit]), digit === rare ? rareExamples : otherExamples, 100 * seed + digit),
      );
      const set = buildSet(chosen.map((index) => exampleAt(train, index)));
      note('lda', rare, judgeHead(set, { kind: 'lda', mode: 'settled' }, test, testIndices));
      const logistic = await judgeLogistic(workplace, chosen, testIndices);
      if (logistic !== null) note('logistic', rare, logistic);
      say(
        `  rare ${rare}: lda ${recalls.lda[rare].at(-1)}, logistic regression ${recalls.logistic[rare]?.at(-1)}`,
      );
    }
  }
  const summary = (who) =>
    accuracies[who].length === 0
      ? null
      : {
          recall: round(mean(Object.values(recalls[who]).flat()), 6),
          recallByDigit: recalls[who],
          accuracy: round(mean(accuracies[who]), 6),
        };
  const figures = { lda: summary('lda'), logistic: summary('logistic') };
  return { figures, targets: [atLeast('recall of the rare digit, lda', figures.lda.recall, 0.75)] };
}
