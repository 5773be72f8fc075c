/** Has all topics of a site read by librdkafka, in Python, and takes up what it says line by line. */
import { join } from 'node:path';
import { createNames } from '@headwater/log';
import { repositoryFolder } from '../../interop/files.ts';
import { extractor } from '../installation.ts';
import type { Found, FoundDeadLetter } from './found.ts';
import { runPython } from './python-lines.ts';

/** Errors: where Python is missing, or the topics cannot be read to their ends; the reader's own words. */
export async function readTopics(brokers: readonly string[], prefix: string): Promise<Found> {
  const { topics } = createNames({ topicPrefix: prefix });
  const vectors = topics.vectors(extractor);
  const order = {
    brokers: brokers.join(),
    schemas: join(repositoryFolder, 'schemas'),
    topics: [
      { name: topics.images, as: 'images', schema: 'ImageReceived' },
      { name: topics.labels, as: 'labels', schema: 'LabelAssigned' },
      { name: vectors, as: 'vectors', schema: `vectors/${extractor}` },
      { name: topics.predictions, as: 'predictions', schema: 'ImageClassified' },
      { name: topics.examples, as: 'examples', schema: 'Example' },
      { name: topics.heads, as: 'heads', schema: 'HeadTrained' },
      ...[topics.images, topics.labels, vectors, topics.examples].map((topic) => ({
        name: topics.deadLetters(topic),
        as: 'deadLetters',
        schema: null,
      })),
    ],
  };
  const found = {
    images: [],
    labels: [],
    vectors: [],
    predictions: [],
    examples: [],
    heads: [],
    deadLetters: [] as FoundDeadLetter[],
  } satisfies Record<keyof Found, unknown[]>;
  for await (const text of runPython('read_topics.py', order)) {
    const line = JSON.parse(text) as ReaderLine;
    if ('end' in line) continue;
    (found[line.topic] as unknown[]).push(line);
  }
  return found;
}

type ReaderLine = { readonly topic: keyof Found } | { readonly topic: keyof Found; readonly end: string };
