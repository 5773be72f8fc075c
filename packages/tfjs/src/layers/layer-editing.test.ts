import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startBackend } from '../engine/backend.ts';
import { tf, layers as tfl } from '../engine/tensorflow.ts';
import { createLeNet } from '../training/lenet.ts';
import { checkLayersWeights, packNet, readLayersModel, unpackNet, writeLayersModel } from './artifacts.ts';
import {
  cutNetAfter,
  dropNetLayers,
  layersOfNet,
  openLayersModel,
  takeNetLayers,
  toLayersModel,
} from './layer-editing.ts';

beforeAll(() => startBackend('wasm'));

/** Two branches that are joined again, which Sequential cannot express. */
function branched(): tfl.LayersModel {
  const image = tfl.input({ shape: [6, 6, 2], name: 'image' });
  const conv = tfl.layers.conv2d({ name: 'conv', filters: 3, kernelSize: 3, padding: 'same' }).apply(image);
  const left = tfl.layers.reLU({ name: 'left' }).apply(conv) as tfl.SymbolicTensor;
  const right = tfl.layers
    .activation({ name: 'right', activation: 'tanh' })
    .apply(conv) as tfl.SymbolicTensor;
  const sum = tfl.layers.add({ name: 'sum' }).apply([left, right]);
  const flat = tfl.layers.flatten({ name: 'flat' }).apply(sum);
  const answer = tfl.layers.dense({ name: 'answer', units: 4 }).apply(flat) as tfl.SymbolicTensor;
  return tfl.model({ inputs: image, outputs: answer });
}

function valuesOf(net: tfl.LayersModel, ...inputs: tf.Tensor[]): Float32Array {
  const [input] = inputs;
  const output = net.predictOnBatch(inputs.length === 1 && input ? input : inputs);
  return (output as tf.Tensor).dataSync<'float32'>().slice();
}

describe.each([
  ['LeNet', () => createLeNet(), [2, 28, 28, 1]],
  ['a net with branches', branched, [2, 6, 6, 2]],
] as const)('%s', (_, create, shape) => {
  const image = () => tf.randomUniform([...shape], 0, 255, 'float32', 1);

  it('can be cut after every layer and returns the inner values of the whole net, bit for bit', async () => {
    const whole = create();
    const copy = await openLayersModel(await toLayersModel(whole));
    const names = layersOfNet(whole).map(({ name }) => name);
    const outputs = names.map((name) => whole.getLayer(name).output as tfl.SymbolicTensor);
    const inner = tfl.model({ inputs: whole.inputs, outputs }).predictOnBatch(image()) as tf.Tensor[];
    for (const [index, name] of names.entries()) {
      const cut = await openLayersModel(await toLayersModel(cutNetAfter(copy, name)));
      expect(valuesOf(cut, image()), name).toEqual(inner[index]?.dataSync());
    }
  });

  it('splits into two halves that together return the result of the whole', async () => {
    const whole = create();
    const size = layersOfNet(whole).length;
    const expected = valuesOf(whole, image());
    for (const count of [1, size - 2, size - 1]) {
      const net = create();
      net.setWeights(whole.getWeights());
      const [first, second] = [await takeNetLayers(net, count), await dropNetLayers(net, count)];
      expect([...layersOfNet(first), ...layersOfNet(second)]).toHaveLength(size);
      expect(valuesOf(second, first.predictOnBatch(image()) as tf.Tensor)).toEqual(expected);
    }
  });

  it('gives the same bytes for a repeated cut', async () => {
    const model = await toLayersModel(create());
    const cut = async () => {
      const net = await openLayersModel(model);
      return JSON.stringify([
        (await toLayersModel(cutNetAfter(net, layersOfNet(net)[1]?.name ?? ''))).modelTopology,
        (await toLayersModel(await dropNetLayers(net, 1))).weightSpecs,
        (await toLayersModel(await dropNetLayers(net, 1))).modelTopology,
      ]);
    };
    expect(await cut()).toBe(await cut());
  });

  it('lists its layers', () => {
    const [first, ...others] = layersOfNet(create());
    expect(first).toMatchObject({ index: 1, shape: ['N', ...shape.slice(1, 3), expect.any(Number)] });
    expect(others.at(-1)?.reads).toHaveLength(1);
  });
});

describe('a layers model as files and bytes', () => {
  async function folder(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), 'layers-model-'));
    onTestFinished(() => rm(path, { recursive: true }));
    return path;
  }

  it('survives writing and reading, packing and unpacking', async () => {
    const path = await folder();
    const model = await toLayersModel(createLeNet());
    await writeLayersModel(path, model);
    const read = await readLayersModel(join(path, 'model.json'));
    expect(Buffer.from(read.weightData).equals(Buffer.from(model.weightData))).toBe(true);
    const adaptation = {
      side: 28,
      channels: 1,
      layout: 'NHWC',
      order: 'gray',
      scale: 1,
      mean: [0],
      std: [1],
      normalization: 'none',
    } as const;
    const packed = unpackNet(packNet({ model: read, adaptation }));
    expect(packed.adaptation).toEqual(adaptation);
    const input = () => tf.ones([1, 28, 28, 1]);
    const net = await openLayersModel(packed.model);
    expect(valuesOf(net, input())).toEqual(valuesOf(await openLayersModel(model), input()));
  });

  it('is rejected with NaN weights, missing weights, and weights outside of its folder', async () => {
    const model = await toLayersModel(createLeNet());
    const weightData = model.weightData.slice();
    new DataView(weightData.buffer).setFloat32(400, Number.NaN, true);
    expect(() => checkLayersWeights({ ...model, weightData })).toThrow('NaN');
    expect(() => checkLayersWeights({ ...model, weightData: weightData.slice(0, 40) })).toThrow('truncated');
    const path = await folder();
    await writeLayersModel(path, model);
    const file = join(path, 'model.json');
    const text = await readFile(file, 'utf8');
    for (const name of ['../weights.bin', '/etc/hostname', 'nowhere.bin']) {
      await writeFile(file, text.replace('weights.bin', name));
      await expect(readLayersModel(file)).rejects.toMatchObject({ code: 'model-invalid' });
    }
    for (const wrong of ['', 'no JSON', '{}', '[1]']) {
      await writeFile(file, wrong);
      await expect(readLayersModel(file)).rejects.toMatchObject({ code: 'model-invalid' });
    }
  });

  it('is rejected with a layer unknown to TensorFlow.js', async () => {
    const model = await toLayersModel(createLeNet());
    const modelTopology = JSON.parse(
      JSON.stringify(model.modelTopology).replaceAll('"Flatten"', '"Frobnicate"'),
    );
    await expect(openLayersModel({ ...model, modelTopology })).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringContaining('Frobnicate'),
    });
  });

  it('lists its layers for an unknown name', async () => {
    expect(() => cutNetAfter(createLeNet(), 'conv9')).toThrow(/no layer named conv9.*conv1, relu1/);
    for (const count of [0, 12, -12, 0.5])
      await expect(takeNetLayers(createLeNet(), count)).rejects.toThrow(
        'layer count must be between 1 and 11',
      );
  });
});
