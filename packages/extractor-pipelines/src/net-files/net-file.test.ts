import { describe, expect, it } from 'vitest';
import { parseNetFile } from './net-file.ts';

const least = 'id: own.v1\nmodel: ./own.onnx\ninput: { size: 32 }\n';

describe('a net file', () => {
  it('requires an id, a model and a size; everything else has a default', () => {
    expect(parseNetFile(least, 'own.yaml')).toEqual({
      id: 'own.v1',
      description: '',
      model: './own.onnx',
      input: {
        size: 32,
        colour: 'rgb',
        fit: 'cover',
        crop: 1,
        background: 255,
        layout: 'NCHW',
        scale: 1,
        mean: [0],
        std: [1],
      },
      output: { normalization: 'none' },
    });
  });

  it('accepts fractions, one number for all channels, and names of shades', () => {
    const text =
      'id: own.v1\nmodel: m\ninput: { size: 8, scale: 1/255, mean: 0.5, std: [0.25, 1/4, 0.5], background: black }';
    expect(parseNetFile(text, 'own.yaml').input).toMatchObject({
      scale: 1 / 255,
      mean: [0.5],
      std: [0.25, 0.25, 0.5],
      background: 0,
    });
  });

  it('reports all its errors at once', () => {
    const text =
      'id: Own\nmodell: x\nmodel: m\ninput: { size: 0, colour: hsv, scale: 0, mean: [1, 2], std: 0, crop: 2 }';
    expect(() => parseNetFile(text, 'own.yaml')).toThrow(
      expect.objectContaining({
        code: 'config-invalid',
        message: expect.stringMatching(
          /own\.yaml.*id: .*my-net\.v1.*input\.size.*input\.colour.*input\.crop.*input\.scale.*input\.std.*modell/s,
        ),
      }),
    );
  });

  it.each([
    [
      'colours of a gray net',
      `${least.replace('32', '32, colour: gray, mean: [1, 2, 3]')}`,
      'one number, or 1',
    ],
    ['a crop of what is contained', `${least.replace('32', '32, fit: contain, crop: 0.5')}`, 'fit: cover'],
    ['no YAML', 'a: [', 'is not YAML'],
    ['an empty file', '', 'does not describe a net'],
    ['a fraction of nothing', `${least.replace('32', '32, scale: 1/0')}`, 'finite'],
  ])('refuses %s', (_, text, reason) => {
    expect(() => parseNetFile(text, 'own.yaml')).toThrow(reason);
  });
});
