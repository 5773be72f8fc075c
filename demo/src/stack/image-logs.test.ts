/** One image id, searched in the logs of all services. */
import { createHash } from 'node:crypto';
import { compositeKey } from '@headwater/schemas';
import { expect, it } from 'vitest';
import {
  eventually,
  extractor,
  picture,
  sendImage,
  sendLabel,
  startThreeServices,
  type ThreeServices,
  task,
} from './testing/three-services.ts';

const id = 'cam-1/2026/11/23.png';

/** Classified, labelled, learned and erased. */
async function liveAndDie(services: ThreeServices): Promise<void> {
  expect(await sendImage(services, id, picture(0, 1))).toBe(200);
  expect(await sendLabel(services, id, 'left')).toBe(202);
  const { topics } = services.names;
  const example = async () => {
    const key = compositeKey(extractor, task, id);
    return (await services.records(topics.examples)).filter((record) => String(record.key) === key);
  };
  await eventually(async () => (await example()).length === 1);
  const erased = await fetch(`${services.ingest}/v1/images/${encodeURIComponent(id)}`, { method: 'DELETE' });
  expect(erased.status).toBe(202);
  await eventually(async () => (await example()).at(-1)?.value === null);
}

function storyOf({ lines }: ThreeServices, imageId: string): string[] {
  return lines.filter((line) => line.imageId === imageId).map(({ name, msg }) => `${name}: ${msg}`);
}

const story = [
  'ingest: image received',
  'ingest: image published',
  'extract: image extracted',
  'classify: vector joined',
  'classify: image predicted',
  'ingest: label published',
  'classify: label received',
  'classify: example published',
  'classify: example added',
  'ingest: erasure published',
  'extract: image erased',
  'classify: image erased',
  'classify: example tombstone published',
  'classify: example erased',
];

it('finds all steps of an image by its id in the logs of all services at level debug', async () => {
  await using services = await startThreeServices();
  await liveAndDie(services);
  await eventually(() => story.every((step) => storyOf(services, id).includes(step)));
  // A step may be there twice: the join retracts the label of the erased image, and receives that.
  expect(new Set(storyOf(services, id))).toEqual(new Set(story));
});

it('writes no line about a single image at level info', async () => {
  await using services = await startThreeServices({ level: 'info' });
  await liveAndDie(services);
  await services.stop();
  expect(services.lines.filter((line) => JSON.stringify(line).includes('cam-1'))).toEqual([]);
});

it('finds the same steps by the hash of the id, which no line contains', async () => {
  await using services = await startThreeServices({ environment: { LOG_IMAGE_IDS: 'hashed' } });
  await liveAndDie(services);
  const hash = createHash('sha256').update(id).digest('hex').slice(0, 16);
  await eventually(() => story.every((step) => storyOf(services, hash).includes(step)));
  // A step may be there twice: the join retracts the label of the erased image, and receives that.
  expect(new Set(storyOf(services, hash))).toEqual(new Set(story));
  expect(services.lines.filter((line) => JSON.stringify(line).includes('cam-1'))).toEqual([]);
});

it('writes the key and the reason of a dead letter', async () => {
  await using services = await startThreeServices({ level: 'warn' });
  await services.send({
    topic: services.names.topics.images,
    key: 'broken',
    value: Buffer.from('no record'),
  });
  const line = await eventually(() => services.lines.find(({ imageId }) => imageId === 'broken'));
  expect(line).toMatchObject({
    name: 'extract',
    key: 'broken',
    stage: 'decode',
    topic: 'images',
    offset: '0',
    msg: 'record sent to the dead-letter topic',
  });
});
