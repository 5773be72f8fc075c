/** Has all topics of a site read by librdkafka, in Python, and takes up what it says line by line. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createNames } from '@headwater/stream';
import { repositoryFolder } from '../interop/files.ts';
import { openPython } from '../interop/python.ts';
import type { Found, FoundDeadLetter } from './found.ts';
import { extractor } from './site.ts';

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
  for await (const line of runReader(order)) {
    if ('end' in line) continue;
    (found[line.topic] as unknown[]).push(line);
  }
  return found;
}

type ReaderLine = { readonly topic: keyof Found } | { readonly topic: keyof Found; readonly end: string };

async function* runReader(order: object): AsyncGenerator<ReaderLine> {
  const script = fileURLToPath(new URL('python/read_topics.py', import.meta.url));
  const child = spawn(await openPython(), [script], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', PYTHONDONTWRITEBYTECODE: '1', PYTHONUTF8: '1' },
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-4_000);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  ended.catch(() => undefined);
  child.stdin.end(JSON.stringify(order));
  for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line);
  const code = await ended;
  if (code !== 0) throw new Error(`the topics could not be read (${code}):\n${complaints}`);
}
