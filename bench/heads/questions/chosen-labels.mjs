/**
 * Whether asking for the images that the head is least sure about saves labels: how many are needed until 95 % of the test digits 5 to 9
 * are right, chosen by margin and chosen at random, from the same first ten.
 */
import { openHead, rankForReview, trainHead } from '@headwater/heads';
import { buildSet, draw, exampleAt, indicesOf, mean, round } from '../examples.mjs';
import { say } from '../progress.mjs';
import { atMost } from '../targets.mjs';

const digits = [5, 6, 7, 8, 9];
const wanted = 0.95;
const first = 10;
const step = 5;
const most = 400;
const draws = 5;
/** Unlabelled images to choose from. */
const poolSize = 4000;

export const chosenLabels = {
  id: 'chosen-labels',
  title: 'labels needed for 0.95 on digits 5 to 9, chosen by margin and at random, means of five draws',
  measure,
};

async function measure({ digits: { train, test } }) {
  const everything = indicesOf(train, digits);
  const tested = indicesOf(test, digits);
  const runs = { margin: [], random: [] };
  for (let seed = 1; seed <= draws; seed++) {
    const pool = draw(everything, poolSize, seed);
    for (const [name, choose] of Object.entries({ margin: chooseByMargin, random: chooseInOrder })) {
      runs[name].push(labelsNeeded(train, test, tested, pool, choose));
    }
    say(`  draw ${seed}: by margin ${runs.margin.at(-1)}, at random ${runs.random.at(-1)}`);
  }
  const needed = { margin: mean(runs.margin), random: mean(runs.random) };
  const share = needed.margin / needed.random;
  return {
    figures: { labelsNeeded: needed, share: round(share, 4), runs },
    targets: [atMost('labels needed by margin, as a share of random ones', share, 0.6)],
  };
}

/** Labels come in steps, the head is trained anew after each; `most` where it is never good enough. */
function labelsNeeded(train, test, tested, pool, choose) {
  const labelled = pool.slice(0, first);
  let rest = pool.slice(first);
  const set = buildSet(labelled.map((index) => exampleAt(train, index)));
  for (let count = first; count < most; count += step) {
    const classifier = openHead(trainHead(set, { kind: 'lda', mode: 'provisional' }));
    if (accuracyOf(classifier, test, tested) >= wanted) return count;
    const next = new Set(choose(classifier, train, rest));
    for (const index of next) set.add(exampleAt(train, index));
    rest = rest.filter((index) => !next.has(index));
  }
  return most;
}

function accuracyOf(classifier, split, indices) {
  const right = indices.filter((index) => {
    const { label, vector } = exampleAt(split, index);
    return classifier.predict(vector).label === label;
  });
  return right.length / indices.length;
}

function chooseInOrder(_classifier, _split, rest) {
  return rest.slice(0, step);
}

function chooseByMargin(classifier, split, rest) {
  const candidates = rest.map((index) => {
    const { probabilities } = classifier.predict(exampleAt(split, index).vector);
    return { imageId: String(index), probabilities, novelty: null };
  });
  return rankForReview(candidates, step).map(({ imageId }) => Number(imageId));
}
