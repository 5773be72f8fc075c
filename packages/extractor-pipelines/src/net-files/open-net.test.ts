import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  bytesField,
  contentOf,
  dropLayers,
  graphField,
  type Model,
  messageField,
  nodeField,
  probeTypes,
  readFields,
  readModel,
  readNode,
  textField,
  valueInfo,
  writeModel,
} from '@headwater/extractors/nets';
import { grayDigit, readModelFile, recordOf, smooth } from '@headwater/testing';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { describeNetFile, openExtractor } from '../open-extractor.ts';
import { openNetFile } from './open-net.ts';

/** Field of a TensorProto. */
const rawData = 9;

let folder: string;
let lenet: Model;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'own-net-'));
  lenet = readModel(await readModelFile('lenet-digits.v1/net.onnx'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
async function write(bytes: Uint8Array, input: string, output = '{}'): Promise<string> {
  files += 1;
  const name = join(folder, `net-${files}`);
  await writeFile(`${name}.onnx`, bytes);
  const text = `id: own.v1\nmodel: ./net-${files}.onnx\ninput: { ${input} }\noutput: ${output}\n`;
  await writeFile(`${name}.yaml`, text);
  return `${name}.yaml`;
}

async function open(path: string) {
  const extractor = await openNetFile(path, { threads: 1 });
  onTestFinished(() => extractor.close());
  return extractor;
}

/** LeNet as others would export it: without its Cast, Div and Transpose, which the net file then has to state. */
async function bareLenet(): Promise<Uint8Array> {
  return writeModel(dropLayers(lenet, 3, await probeTypes(lenet)));
}

const bareInput = 'size: 28, colour: gray, fit: contain, background: black, layout: NCHW';

describe('a user-supplied net', () => {
  it('runs with the preprocessing of its file and gives the vectors of the shipped extractor', async () => {
    const path = await write(await bareLenet(), `${bareInput}, scale: 1/255`, '{ tensor: features }');
    const own = await open(path);
    const shipped = await openExtractor('lenet-digits.v1', { threads: 1 });
    onTestFinished(() => shipped.close());
    expect(own.description).toMatchObject({ id: 'own.v1', contract: { dimensions: 800 } });
    for (const picture of [grayDigit(1), smooth(90, 40)]) {
      const image = await picture.png().toBuffer();
      const [mine, theirs] = [await own.extract(recordOf(image)), await shipped.extract(recordOf(image))];
      const error = mine.map((value, index) => Math.abs(value - (theirs[index] ?? Number.NaN)));
      // A division by 255 and a multiplication by its inverse differ in the last bit.
      expect(Math.max(...error)).toBeLessThan(1e-5);
    }
  });

  it('can be cut at another layer and return unit vectors', async () => {
    const path = await write(await bareLenet(), bareInput, '{ tensor: dense1, normalization: unit }');
    const own = await open(path);
    expect(own.description.contract).toMatchObject({ dimensions: 500, normalization: 'unit' });
    const vector = await own.extract(recordOf(await grayDigit().png().toBuffer()));
    const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
    expect(length).toBeCloseTo(1, 5);
  });

  it('gets single images if its batch size is one, and is rejected if it is four', async () => {
    const withBatch = (batch: number) => {
      const shape = [batch, 28, 28, 1];
      const inputs = [valueInfo('image', { elementType: 'uint8', shape }, graphField.input)];
      return writeModel({ ...lenet, graph: { ...lenet.graph, inputs } });
    };
    const input = 'size: 28, colour: gray, layout: NHWC';
    const own = await open(await write(withBatch(1), input));
    const images = await Promise.all([0, 1, 2].map((seed) => grayDigit(seed).png().toBuffer()));
    const vectors = await Promise.all(images.map((image) => own.extract(recordOf(image))));
    expect(vectors.map(({ length }) => length)).toEqual([10, 10, 10]);
    await expect(openNetFile(await write(withBatch(4), input))).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringContaining('exactly 4 images'),
    });
  });

  it('has a digest that changes with its weights, its cut, and each part of its preprocessing', async () => {
    const bare = await bareLenet();
    const changed = bare.slice();
    changed[1_000_000] = (changed[1_000_000] ?? 0) ^ 1;
    const variants = [
      await write(bare, bareInput),
      await write(changed, bareInput),
      await write(bare, bareInput, '{ tensor: features }'),
      await write(bare, bareInput, '{ normalization: unit }'),
      await write(bare, `${bareInput}, scale: 0.5`),
      await write(bare, `${bareInput}, mean: 3`),
      await write(bare, `${bareInput}, std: 3`),
      await write(bare, bareInput.replace('black', 'white')),
      await write(bare, bareInput.replace('contain', 'cover')),
    ];
    const digests = new Set<string>();
    for (const path of variants) digests.add((await describeNetFile(path)).digest);
    expect(digests.size).toBe(variants.length);
  });

  it('swaps the channels for nets that were trained on BGR', async () => {
    const first = readModel(await readModelFile('efficientnet-lite0.v1/model.onnx'));
    const size = 'size: 224, layout: NHWC';
    const cut = '{ tensor: stem, normalization: none }';
    const names = first.graph.nodes.map(({ name }) => name);
    const stem = names.find((name) => name.includes('stem')) ?? names[3] ?? '';
    const output = cut.replace('stem', stem);
    const bytes = writeModel(first);
    const [rgb, bgr] = [await write(bytes, size, output), await write(bytes, `${size}, colour: bgr`, output)];
    const picture = smooth(224, 224);
    const swapped = picture.clone().recomb([
      [0, 0, 1],
      [0, 1, 0],
      [1, 0, 0],
    ]);
    const expected = await (await open(rgb)).extract(recordOf(await swapped.png().toBuffer()));
    const found = await (await open(bgr)).extract(recordOf(await picture.png().toBuffer()));
    expect(Buffer.from(found.buffer).equals(Buffer.from(expected.buffer))).toBe(true);
  });
});

function withNode(model: Model, index: number, change: (operator: string) => string): Uint8Array {
  const nodes = model.graph.nodes.map((node, place) => {
    if (place !== index) return node;
    const fields = readFields(contentOf(node.field)).map((field) =>
      field.number === nodeField.operator ? textField(field.number, change(node.operator)) : field,
    );
    return readNode(messageField(graphField.node, fields));
  });
  return writeModel({ ...model, graph: { ...model.graph, nodes } });
}

/** Replaces the first value of a weight. */
function withWeight(model: Model, name: string, value: number): Uint8Array {
  const initializers = model.graph.initializers.map((weight) => {
    if (weight.name !== name) return weight;
    const fields = readFields(contentOf(weight.field)).map((field) => {
      if (field.number !== rawData) return field;
      const content = Uint8Array.from(contentOf(field));
      new DataView(content.buffer).setFloat32(0, value, true);
      return bytesField(rawData, content);
    });
    return { name, field: messageField(graphField.initializer, fields) };
  });
  return writeModel({ ...model, graph: { ...model.graph, initializers } });
}

describe('a net that cannot run is rejected at start', () => {
  const gray = 'size: 28, colour: gray, layout: NHWC';
  const refusals: [string, () => Promise<string> | string, string, RegExp][] = [
    [
      'an unknown operator',
      () =>
        write(
          withNode(lenet, 4, () => 'Frobnicate'),
          gray,
        ),
      'model-invalid',
      /Frobnicate/,
    ],
    [
      'NaN weights',
      () => write(withWeight(lenet, 'conv2.weight', Number.NaN), gray),
      'model-invalid',
      /conv2\.weight.*NaN/,
    ],
    [
      'infinite weights',
      () => write(withWeight(lenet, 'dense1.bias', Number.POSITIVE_INFINITY), gray),
      'model-invalid',
      /dense1\.bias/,
    ],
    [
      'another size',
      () => write(writeModel(lenet), gray.replace('28', '32')),
      'model-invalid',
      /takes image \[N, 28, 28, 1\].*states \[N, 32, 32, 1\]/,
    ],
    ['another layout', () => write(writeModel(lenet), 'size: 28, colour: gray'), 'model-invalid', /NCHW/],
    ['other colours', () => write(writeModel(lenet), 'size: 28, layout: NHWC'), 'model-invalid', /28, 28, 3/],
    [
      'a layer that is not there',
      () => write(writeModel(lenet), gray, '{ tensor: conv9 }'),
      'config-invalid',
      /no layer named conv9/,
    ],
    [
      'another number of dimensions',
      () => write(writeModel(lenet), gray, '{ dimensions: 11 }'),
      'model-invalid',
      /10 numbers.*11/,
    ],
    [
      'a file that is no model',
      () => write(Buffer.from('no model'), gray),
      'model-invalid',
      /not an ONNX model/,
    ],
    ['half a model', () => write(writeModel(lenet).subarray(0, 9999), gray), 'model-invalid', /truncated/],
    ['no net file', () => join(folder, 'nowhere.yaml'), 'config-invalid', /cannot be read/],
  ];
  it.each(refusals)('%s', async (_, make, code, message) => {
    await expect(openNetFile(await make(), { threads: 1 })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });
});
