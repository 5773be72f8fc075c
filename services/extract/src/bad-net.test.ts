/**
 * Nets that can't run, and pictures that a net can't use: a clear error at start, or a dead letter while the service stays up. The nets
 * are the LeNet that ships, damaged byte by byte.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryLog } from '@headwater/log';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startExtract } from './service.ts';
import { digitImage, imageReceived, openExtractFixture, until } from './testing/extract-fixture.ts';

const models = new URL('../../../models/', import.meta.url);
const portrait = new URL('../../../packages/testing/src/images/faces/astronaut.jpg', import.meta.url);

let folder: string;
let lenet: Buffer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bad-net-'));
  lenet = await readFile(new URL('lenet-digits.v1/net.onnx', models));
});
afterAll(() => rm(folder, { recursive: true }));

async function netFile(name: string, bytes: Uint8Array, size = 28): Promise<string> {
  await writeFile(join(folder, `${name}.onnx`), bytes);
  const input = `{ size: ${size}, colour: gray, layout: NHWC }`;
  const path = join(folder, `${name}.yaml`);
  await writeFile(path, `id: bad.v1\nmodel: ./${name}.onnx\ninput: ${input}\noutput: {}\n`);
  return path;
}

async function start(environment: Readonly<Record<string, string>>, extractorId = 'bad.v1') {
  const fixture = await openExtractFixture(createMemoryLog(), 'test.', extractorId);
  onTestFinished(() => fixture.close());
  const config = fixture.config({ PARTITIONS: '1', ...environment });
  const service = await startExtract(config, fixture.dependencies());
  onTestFinished(() => service.stop());
  return { fixture, service };
}

/** MinPool is as long as MaxPool, and is no operator. */
function withUnknownOperator(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replaceAll('MaxPool', 'MinPool'), 'latin1');
}

/** Deep in the largest weight; whatever the alignment, one whole number becomes NaN. */
function withNaN(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  changed.fill(0xff, 1_000_000, 1_000_012);
  return changed;
}

describe('extract does not start on', () => {
  it.each([
    ['an unknown operator', withUnknownOperator, 28, /MinPool/],
    ['NaN weights', withNaN, 28, /contains NaN/],
    [
      'another input shape',
      (bytes: Buffer) => bytes,
      32,
      /takes image \[N, 28, 28, 1\].*states \[N, 32, 32, 1\]/,
    ],
    ['half a file', (bytes: Buffer) => bytes.subarray(0, 500_000), 28, /truncated/],
  ])('%s', async (name, damage, size, message) => {
    const path = await netFile(name.replaceAll(' ', '-'), damage(lenet), size);
    await expect(start({ EXTRACTOR: path })).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringMatching(message),
    });
  });

  it('a required GPU that is missing', async () => {
    const refused = start({ EXTRACTOR: 'lenet-digits.v1', ENGINE_PROVIDER: 'tensorrt' }, 'lenet-digits.v1');
    await expect(refused).rejects.toMatchObject({ code: 'prerequisite-missing' });
  });
});

describe('a picture without a face', () => {
  it('is a dead letter of the extractor of faces, and the next one goes through', async () => {
    const id = 'face-features.v1';
    const { fixture } = await start({ EXTRACTOR: id, ENGINE_THREADS: '1' }, id);
    const images = { nobody: await digitImage(4), somebody: await readFile(portrait) };
    await fixture.send(
      Object.entries(images).map(([key, image]) => ({
        key,
        value: fixture.codec.encode(imageReceived(key, image)),
      })),
    );
    await until(async () => (await fixture.vectors()).length + (await fixture.deadLetters()).length >= 2);
    expect((await fixture.vectors()).map(({ id: image }) => image)).toEqual(['somebody']);
    expect(await fixture.deadLetters()).toMatchObject([{ code: 'face-missing', stage: 'extract' }]);
  });
});
