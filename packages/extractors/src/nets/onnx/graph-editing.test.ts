import { bitsOf, noise, openNet, readModelFile } from '@headwater/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Model, readModel } from './graph.ts';
import { cutAfter, dropLayers, expose, exposeAll, takeLayers, takeSection } from './graph-editing.ts';
import { layersOf } from './layers.ts';
import { writeModel } from './model-bytes.ts';
import { probeTypes } from './probe.ts';
import type { TensorType } from './value-info.ts';

describe.each([
  { file: 'lenet-digits.v1/net.onnx', side: 28, channels: 1, count: 3, every: 1 },
  { file: 'efficientnet-lite0.v1/model.onnx', side: 224, channels: 3, count: 1, every: 8 },
])('$file', ({ file, side, channels, count, every }) => {
  let bytes: Uint8Array;
  let model: Model;
  let types: Map<string, TensorType>;
  beforeAll(async () => {
    bytes = await readModelFile(file);
    model = readModel(bytes);
    types = await probeTypes(model);
  });
  const image = noise(count, side, channels);

  async function run(net: Model, optimization: 'all' | 'disabled' = 'all') {
    const session = await openNet(writeModel(net), optimization);
    const outputs = await session.run({ [session.inputNames[0] ?? '']: image });
    const metadata = session.outputMetadata;
    await session.release();
    return { outputs, metadata };
  }

  it('is written unchanged: the same values, and nothing lost', async () => {
    const again = writeModel(model);
    expect(again).toHaveLength(bytes.byteLength);
    const [before, after] = [await run(model), await run(readModel(again))];
    for (const [name, value] of Object.entries(before.outputs)) {
      expect(bitsOf(after.outputs[name])).toBe(bitsOf(value));
    }
  });

  it('can be cut after every layer and returns the inner values of the whole net, bit for bit', async () => {
    const whole = await run(exposeAll(model), 'disabled');
    const layers = layersOf(model, types);
    expect(layers.length).toBeGreaterThan(10);
    for (const { name, shape, elementType } of layers) {
      const { outputs, metadata } = await run(cutAfter(model, name, types), 'disabled');
      expect(Object.keys(outputs)).toEqual([name]);
      expect(metadata[0]).toMatchObject({ name, type: elementType });
      expect(bitsOf(outputs[name]), name).toBe(bitsOf(whole.outputs[name]));
      const sizes = shape?.map((size) => (typeof size === 'number' ? size : count));
      expect(outputs[name]?.dims).toEqual(sizes);
    }
  }, 240_000);

  it('returns the same bits with the optimizations of the engine', async () => {
    for (const { name } of layersOf(model).filter((_, index) => index % every === 0)) {
      const cut = await run(cutAfter(model, name, types));
      const whole = await run(expose(model, name));
      expect(bitsOf(cut.outputs[name]), name).toBe(bitsOf(whole.outputs[name]));
    }
  }, 240_000);

  it('drops the parts that a cut net does not need', () => {
    const [first] = layersOf(model);
    const cut = cutAfter(model, first?.name ?? '');
    expect(cut.graph.nodes).toHaveLength(1);
    expect(cut.graph.initializers.length).toBeLessThanOrEqual(1);
    expect(writeModel(cut).byteLength).toBeLessThan(bytes.byteLength / 10);
  });

  it('splits into two halves that together return the result of the whole', async () => {
    const size = layersOf(model).length;
    for (const count of [3, Math.floor(size / 2), size - 1]) {
      const [head, tail] = [takeLayers(model, count, types), dropLayers(model, count, types)];
      const inner = (await run(head, 'disabled')).outputs;
      const session = await openNet(writeModel(tail), 'disabled');
      const outputs = await session.run(inner);
      const whole = await run(model, 'disabled');
      for (const name of session.outputNames) expect(bitsOf(outputs[name])).toBe(bitsOf(whole.outputs[name]));
      await session.release();
    }
  });

  it('counts layers from either end', () => {
    const size = layersOf(model).length;
    const namesOf = (net: Model) => net.graph.nodes.map(({ name }) => name);
    expect(namesOf(takeLayers(model, -2))).toEqual(namesOf(dropLayers(model, size - 2)));
    expect(namesOf(takeLayers(model, size - 2))).toEqual(namesOf(dropLayers(model, -2)));
    expect(namesOf(takeLayers(model, 2))).toHaveLength(2);
  });
});

describe('a request for a missing part of a net', () => {
  it('suggests similar layer names', async () => {
    const model = readModel(await readModelFile('lenet-digits.v1/net.onnx'));
    expect(() => cutAfter(model, 'pool')).toThrow('did you mean conv1.pool, conv2.pool?');
    expect(() => cutAfter(model, 'image')).toThrow('no layer named image');
    expect(() => takeSection(model, { to: ['image'] })).toThrow('would leave an empty net');
    for (const count of [0, 1.5, 13, -13, Number.NaN]) {
      expect(() => takeLayers(model, count)).toThrow('layer count must be between 1 and 12');
    }
  });

  it.each([
    ['no bytes', new Uint8Array()],
    ['a text', new TextEncoder().encode('not a model, to be sure')],
    ['a picture', Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])],
  ])('is rejected for %s', (_, bytes) => {
    expect(() => readModel(bytes)).toThrow(expect.objectContaining({ code: 'model-invalid' }));
  });

  it('is rejected for a truncated net', async () => {
    const bytes = await readModelFile('lenet-digits.v1/net.onnx');
    for (const length of [10, 1000, bytes.byteLength - 1]) {
      expect(() => readModel(bytes.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'model-invalid' }),
      );
    }
  });
});
