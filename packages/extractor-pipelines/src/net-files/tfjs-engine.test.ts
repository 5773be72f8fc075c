/** The contract of every extractor, on each backend of TensorFlow.js that starts here. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineExtractor, inputBytes } from '@headwater/extractors';
import { recordOf, smooth } from '@headwater/testing';
import {
  type BackendName,
  createLeNet,
  nativeFolder,
  openTfjsEngine,
  startBackend,
  toLayersModel,
  writeLayersModel,
} from '@headwater/tfjs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { describeNetFile } from '../open-extractor.ts';
import type { UserNet } from './model-checks.ts';
import { openNetFile } from './open-net.ts';
import { readUserNet } from './read-net.ts';

const isBuilt = (variant: string) => existsSync(join(nativeFolder(), variant, 'built.json'));
/** The native ones exist after `npm run setup:tensorflow`; otherwise they are reported as skipped. */
const backends: readonly { backend: BackendName; isThere: boolean }[] = [
  { backend: 'wasm', isThere: true },
  { backend: 'tensorflow', isThere: isBuilt('cpu') },
  { backend: 'tensorflow-gpu', isThere: isBuilt('gpu') },
];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tfjs-engine-'));
  await startBackend('cpu');
  await writeLayersModel(join(folder, 'lenet'), await toLayersModel(createLeNet({ seed: 7 })));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
async function netFile(input = '', output = 'tensor: flatten', model = 'lenet/model.json'): Promise<string> {
  files += 1;
  const path = join(folder, `net-${files}.yaml`);
  const size = 'size: 28, colour: gray, fit: contain, background: black, layout: NHWC';
  const text = `id: own-lenet.v1\nmodel: ${model}\ninput: { ${size}${input} }\noutput: { ${output} }\n`;
  await writeFile(path, text);
  return path;
}

const pictures = Promise.all(
  Array.from({ length: 16 }, (_, index) =>
    smooth(60 + 7 * index, 90)
      .rotate(90 * (index % 4))
      .jpeg()
      .toBuffer(),
  ),
);

async function open(net: UserNet, backend: BackendName, batchSize = 16): Promise<EngineExtractor> {
  const { side } = net.definition.preprocessing;
  const engine = await openTfjsEngine({
    weights: net.weights,
    inputShape: [side, side, inputBytes(net.definition.preprocessing) / side ** 2],
    dimensions: net.definition.contract.dimensions,
    output: '',
    threads: 1,
    timeoutMs: 60_000,
    backend,
  });
  const extractor = new EngineExtractor(net.definition, engine, { batchSize, batchLingerMs: 10_000 });
  onTestFinished(() => extractor.close());
  return extractor;
}

const bitsOf = (vectors: readonly Float32Array[]) =>
  vectors.map(({ buffer, byteOffset, byteLength }) =>
    Buffer.from(buffer, byteOffset, byteLength).toString('base64'),
  );

for (const { backend, isThere } of backends) {
  describe.skipIf(!isThere)(`TensorFlow.js on ${backend}`, () => {
    it('describes its engine and the use of a GPU', async () => {
      const extractor = await open(await readUserNet(await netFile()), backend);
      const kind = backend === 'wasm' ? 'wasm' : 'tensorflow';
      expect(extractor.engine).toMatch(new RegExp(`^tfjs \\d+\\.\\d+\\.\\d+ ${kind}( gpu)?, \\d+ threads?$`));
    });

    it('returns finite vectors of the contract, with the same bits in any batch and order', async () => {
      const net = await readUserNet(await netFile());
      const images = await pictures;
      const first = await open(net, backend, 1);
      const alone = await Promise.all(images.map((image) => first.extract(recordOf(image))));
      for (const vector of alone) {
        expect(vector).toHaveLength(800);
        expect(vector.every(Number.isFinite)).toBe(true);
      }
      expect(new Set(bitsOf(alone)).size).toBe(images.length);
      for (const batchSize of [4, 16]) {
        const other = await open(net, backend, batchSize);
        const order = images.map((_, index) => (index * 7 + 3) % images.length);
        const vectors = await Promise.all(
          order.map((index) => other.extract(recordOf(images[index] ?? new Uint8Array()))),
        );
        expect(bitsOf(vectors)).toEqual(bitsOf(order.map((index) => alone[index] ?? new Float32Array())));
      }
    });

    it('agrees with the cpu backend', async () => {
      const net = await readUserNet(
        await netFile(', scale: 1/255, mean: 0.13, std: 0.31', 'normalization: unit'),
      );
      const [image = Buffer.alloc(0)] = await pictures;
      const found = await (await open(net, backend, 1)).extract(recordOf(image));
      const expected = await (await open(net, 'cpu', 1)).extract(recordOf(image));
      expect(Math.max(...found.map((value, index) => Math.abs(value - (expected[index] ?? 0))))).toBeLessThan(
        1e-5,
      );
      expect(found.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 4);
    });

    it('rejects a bad image with its reason, and not its neighbour', async () => {
      const extractor = await open(await readUserNet(await netFile()), backend, 2);
      const [good = Buffer.alloc(0)] = await pictures;
      const settled = await Promise.allSettled([
        extractor.extract(recordOf(good)),
        extractor.extract(recordOf(good.subarray(0, good.length / 2))),
      ]);
      expect(settled[0]?.status).toBe('fulfilled');
      expect(settled[1]).toMatchObject({ reason: { code: 'image-unreadable' } });
    });
  });
}

describe('a user-supplied layers model', () => {
  it('becomes an extractor with its net file, whose digest covers weights, cut and preprocessing', async () => {
    const variants = [
      await netFile(),
      await netFile('', 'tensor: relu3'),
      await netFile(', scale: 1/255'),
      await netFile(', mean: 3'),
      await netFile('', 'tensor: flatten, normalization: unit'),
    ];
    const digests: string[] = [];
    for (const path of [...variants, ...variants]) digests.push((await describeNetFile(path)).digest);
    expect(digests.slice(variants.length)).toEqual(digests.slice(0, variants.length));
    expect(new Set(digests).size).toBe(variants.length);
    const extractor = await openNetFile(variants[0] ?? '', { threads: 1 });
    onTestFinished(() => extractor.close());
    expect(extractor.description.digest).toBe(digests[0]);
  });

  it.each([
    [
      'a layer that is not there',
      'tensor: conv9',
      'lenet/model.json',
      'config-invalid',
      /no layer named conv9/,
    ],
    ['a model that is not there', '', 'nowhere/model.json', 'model-invalid', /cannot be read/],
    ['another number of dimensions', 'dimensions: 11', 'lenet/model.json', 'model-invalid', /10 numbers/],
  ])('is rejected with %s', async (_, output, model, code, message) => {
    const path = await netFile('', output, model);
    await expect(openNetFile(path)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it('is rejected if a requested backend is not available', async () => {
    if (isBuilt('gpu')) return;
    const net = await readUserNet(await netFile());
    await expect(open(net, 'tensorflow-gpu')).rejects.toMatchObject({
      code: 'prerequisite-missing',
      message: expect.stringMatching(/tensorflow-gpu: not installed/),
    });
  });
});
