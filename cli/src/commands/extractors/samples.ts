/** Samples for fitting chains: a folder of images, a file of records, or the images on Kafka. Each can be read several times. */
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { createInterface } from 'node:readline';
import { HeadwaterError } from '@headwater/errors';
import type { Sample, SampleRecord } from '@headwater/extractor-pipelines';
import type { Console } from '../../terminal/console.ts';
import type { Cluster } from '../cluster-connection.ts';
import { topicSample } from './topic-sample.ts';

const none = new Uint8Array();

/** An error of the whole sample. */
function invalid(message: string, cause?: unknown): HeadwaterError {
  return new HeadwaterError('request-invalid', message, { verdict: 'stop', cause });
}

/** An error of one record; it is skipped. */
function unfit(message: string, cause?: unknown): HeadwaterError {
  return new HeadwaterError('record-unfit', message, { cause });
}

/** The default limit of extractors; larger files are not read. */
const mostImageBytes = 20 * 1024 * 1024;

/** Errors: image-too-large. */
async function readImage(path: string): Promise<Buffer> {
  const { size } = await stat(path);
  if (size <= mostImageBytes) return await readFile(path);
  throw new HeadwaterError('image-too-large', `the file has ${size} bytes; the limit is ${mostImageBytes}`);
}

function isVisible(path: string): boolean {
  return !path.split(sep).some((part) => part.startsWith('.'));
}

/** Every regular file below the folder; files that are no images are skipped by the decoder. */
async function folderSample(folder: string): Promise<Sample> {
  const root = resolve(folder);
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => isVisible(relative(root, path)))
    .sort();
  return {
    name: folder,
    size: files.length,
    async *records() {
      for (const path of files) {
        const read = async () => ({ image: await readImage(path), attributes: {} });
        yield { name: relative(root, path), read };
      }
    },
  };
}

interface Line {
  readonly image?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

function isText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}

function parseLine(text: string): Line {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch (cause) {
    throw unfit('the line is not JSON', cause);
  }
  const { image, attributes = {} } = (typeof line === 'object' && line !== null ? line : {}) as Line;
  const texts =
    typeof attributes === 'object' && attributes !== null ? Object.values(attributes) : [undefined];
  if (isText(image) && texts.every((value) => typeof value === 'string')) {
    return { ...(image !== undefined && { image }), attributes };
  }
  throw unfit(
    'expected a line such as {"image": "a.jpg", "attributes": {"price": "7.5"}}; attributes are texts',
  );
}

async function recordOf({ image, attributes = {} }: Line, folder: string) {
  if (image === undefined) return { image: none, attributes };
  const [, inline] = /^data:[^,]*;base64,(.*)$/s.exec(image) ?? [];
  if (inline !== undefined) return { image: Buffer.from(inline, 'base64'), attributes };
  try {
    return { image: await readImage(resolve(folder, image)), attributes };
  } catch (cause) {
    if (cause instanceof HeadwaterError) throw cause;
    throw unfit(`cannot read the image ${image.slice(0, 200)}`, cause);
  }
}

/** Lines of JSON; an image is a path, relative to the file, or a data: URL. */
function linesSample(path: string): Sample {
  return {
    name: path,
    size: undefined,
    async *records(signal): AsyncGenerator<SampleRecord> {
      const input = createReadStream(path, { encoding: 'utf8', signal });
      let number = 0;
      for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
        number += 1;
        const name = `${path}:${number}`;
        if (text.trim() === '') continue;
        yield { name, read: async () => await recordOf(parseLine(text), dirname(path)) };
      }
    },
  };
}

function topicOf(name: string): string | undefined {
  if (name === 'topic') return '';
  return name.startsWith('topic:') ? name.slice('topic:'.length) : undefined;
}

async function sampleOf(name: string, cluster: Cluster | undefined): Promise<Sample> {
  const topic = topicOf(name);
  if (topic !== undefined && cluster) {
    return await topicSample(topic || cluster.clients.names.topics.images, cluster);
  }
  const found = await stat(name).catch((cause: unknown) => {
    throw invalid(`cannot read the sample ${name}: expected a folder, a .jsonl file, or topic`, cause);
  });
  if (found.isDirectory()) return await folderSample(name);
  if (/\.(jsonl|ndjson)$/.test(name)) return linesSample(name);
  throw invalid(`invalid sample ${name}: expected a folder, a .jsonl file, or topic`);
}

/** Opens the samples, and a connection to Kafka where one of them needs it. */
export async function withSamples<T>(
  names: readonly string[],
  console: Console,
  use: (samples: readonly Sample[]) => Promise<T>,
): Promise<T> {
  const open = (cluster?: Cluster) => Promise.all(names.map((name) => sampleOf(name, cluster)));
  if (!names.some((name) => topicOf(name) !== undefined)) return await use(await open());
  const { withCluster } = await import('../cluster-connection.ts');
  return await withCluster(console, async (cluster) => await use(await open(cluster)));
}
