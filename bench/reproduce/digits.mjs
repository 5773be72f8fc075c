/** The digits: five are learned by a net, five are new to it. */
import { join } from 'node:path';
import { toLayersModel, writeLayersModel } from '@headwater/tfjs';
import {
  accuracyOf,
  answersOf,
  continueLeNet,
  createLeNet,
  lenetFeatures,
  lenetLogits,
  modelUpTo,
  pick,
  readMnist,
  shuffled,
  trainNet,
  withClasses,
} from '@headwater/tfjs/training';
import { describeProgress, say } from '../heads/progress.mjs';
import { headAccuracy } from './heads.mjs';
import { chooseRegularization, trainLogisticRegression } from './logistic-regression.mjs';
import { drawStrips } from './strips.mjs';

const dimensions = 800;
const frozen = { conv1: 0, conv2: 0 };
const isSeen = (name) => name < '5';
const rounded = (share) => Number(share.toFixed(6));

/** Reports each step with the source's figure, ours, and our target. */
export async function tellDigits(story) {
  const [train, test] = [await readMnist('train'), await readMnist('test')];
  const seen = { train: withClasses(train, isSeen), test: withClasses(test, isSeen) };
  const fresh = {
    train: withClasses(train, (name) => !isSeen(name)),
    test: withClasses(test, (name) => !isSeen(name)),
  };

  const random = createLeNet();
  const trained = continueLeNet(random);
  say('\nLeNet learns the digits 0 to 4, in 3 rounds');
  const rate = await trainRounds(trained, seen.train, 3, { decay: true });
  const accuracy = await accuracyOf(trained, seen.test);
  story.tell({
    what: 'LeNet on digits 0–4, 3 rounds',
    source: 0.99747,
    value: rounded(accuracy),
    aim: 0.997,
    rate,
  });
  await writeLayersModel(join(story.folder, 'lenet-0-4'), await toLayersModel(trained), {
    classes: train.classes,
  });

  say('\nvectors of all ten digits, as strips side by side');
  await drawStrips(modelUpTo(trained, lenetFeatures), test, story.picture('strips-trained.png'));
  await drawStrips(modelUpTo(random, lenetFeatures), test, story.picture('strips-random.png'));

  for (const [name, net, aim] of [
    ['random convolutions, as in the source', random, undefined],
    ['convolutions trained on 0–4', trained, 0.985],
  ]) {
    say(`\ndigits 5 to 9 on frozen ${name}, 1 round`);
    const retrained = continueLeNet(net);
    const retrainRate = await trainRounds(retrained, fresh.train, 1, { multipliers: frozen });
    const value = rounded(await accuracyOf(retrained, fresh.test));
    story.tell({
      what: `digits 5–9, 1 round, frozen ${name}`,
      source: 0.947542,
      value,
      aim,
      rate: retrainRate,
    });
    retrained.dispose();
  }
  await tellVectors(story, modelUpTo(trained, lenetFeatures), fresh);
}

/** Images a second. */
async function trainRounds(net, images, rounds, options) {
  const progress = describeProgress('  images', rounds * images.count);
  let last = 0;
  const onProgress = ({ images: done }) => {
    for (; last < done; last++) progress.step();
  };
  const result = await trainNet(net, images, { ...options, rounds, logits: lenetLogits, onProgress });
  return Math.round(result.images / result.seconds);
}

async function tellVectors(story, net, fresh) {
  say('\nvectors of the digits 5 to 9');
  const vectors = { train: await vectorsOf(net, fresh.train), test: await vectorsOf(net, fresh.test) };
  const order = shuffled(vectors.train.length, 42);
  const thousand = pickVectors(vectors.train, order.slice(0, 1000));
  const regularization = chooseRegularization(thousand, dimensions);
  say(
    `logistic regression with λ = ${regularization}, chosen on the thousand themselves, two quarters held out in turn`,
  );
  const classify = trainLogisticRegression(thousand, dimensions, regularization);
  const hundred = pickVectors(vectors.test, shuffled(vectors.test.length, 7).slice(0, 100));
  const what = 'logistic regression on 1,000 vectors';
  story.tell({
    what: `${what}, 100 test digits`,
    source: 0.96,
    value: rounded(shareRight(classify, hundred)),
  });
  story.tell({
    what: `${what}, all ${vectors.test.length} test digits`,
    source: 0.96,
    value: rounded(shareRight(classify, vectors.test)),
    aim: 0.97,
  });
  for (const count of [100, 1000, vectors.train.length]) {
    say(`exact heads on ${count} vectors`);
    const examples = pickVectors(vectors.train, order.slice(0, count));
    for (const kind of ['lda', 'ridge', 'ncm']) {
      const value = headAccuracy({ kind, examples, tests: vectors.test, dimensions });
      story.tell({ what: `${kind} on ${count} vectors, all test digits`, value: rounded(value) });
    }
  }
}

/** Labelled vectors, a few thousand images at a time. */
async function vectorsOf(net, images) {
  const vectors = [];
  const step = 4096;
  for (let first = 0; first < images.count; first += step) {
    const places = Array.from({ length: Math.min(step, images.count - first) }, (_, index) => first + index);
    const some = pick(images, places);
    const values = await answersOf(net, some);
    for (const [index] of places.entries()) {
      const vector = values.subarray(index * dimensions, (index + 1) * dimensions);
      vectors.push({ vector, label: images.classes[some.labels[index]] });
    }
  }
  return vectors;
}

function pickVectors(vectors, order) {
  return Array.from(order, (place) => vectors[place]);
}

function shareRight(classify, tests) {
  return tests.filter(({ vector, label }) => classify(vector) === label).length / tests.length;
}
