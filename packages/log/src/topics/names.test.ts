import { commonEnvironment, loadConfig, namesOf } from '@headwater/service-kit';
import { expect, test } from 'vitest';
import { createNames, type Names } from './names.ts';

const all = ({ topics, groups }: Names) => [
  topics.images,
  topics.labels,
  topics.vectors('lenet-digits.v1'),
  topics.examples,
  topics.heads,
  topics.serving,
  topics.predictions,
  topics.deadLetters(topics.images),
  groups.extract('lenet-digits.v1'),
  groups.join,
  groups.train,
];

test('has default names', () => {
  const names = createNames();
  expect(all(names)).toEqual([
    'images',
    'labels',
    'vectors.lenet-digits.v1',
    'examples',
    'heads',
    'serving',
    'predictions',
    'images-dlt',
    'headwater.extract.lenet-digits.v1',
    'headwater.join',
    'headwater.train',
  ]);
  expect(names.transactionalId(names.groups.join, 3)).toBe('headwater.join-3');
});

test('adds prefixes to every name of their kind', () => {
  const names = createNames({ topicPrefix: 't.', groupPrefix: 'g.', transactionalIdPrefix: 'x.' });
  expect(all(names).map((name) => name.slice(0, 2))).toEqual([
    ...Array(8).fill('t.'),
    ...Array(3).fill('g.'),
  ]);
  expect(names.transactionalId(names.groups.train, 0)).toBe('x.g.headwater.train-0');
});

test('takes each name from the environment without a prefix', () => {
  const config = loadConfig(commonEnvironment, {
    TOPIC_PREFIX: 'p.',
    GROUP_PREFIX: 'p.',
    TOPIC_IMAGES: 'a',
    TOPIC_LABELS: 'b',
    TOPIC_VECTORS: 'c-',
    TOPIC_EXAMPLES: 'd',
    TOPIC_HEADS: 'e',
    TOPIC_SERVING: 'f',
    TOPIC_PREDICTIONS: 'g',
    TOPIC_DEAD_LETTERS_SUFFIX: '.dead',
    GROUP_EXTRACT: 'h-',
    GROUP_JOIN: 'i',
    GROUP_TRAIN: 'j',
  });
  expect(all(namesOf(config))).toEqual([
    'a',
    'b',
    'c-lenet-digits.v1',
    'd',
    'e',
    'f',
    'g',
    'a.dead',
    'h-lenet-digits.v1',
    'i',
    'j',
  ]);
});
