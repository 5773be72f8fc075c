import { describe, expect, it } from 'vitest';
import { digestOf } from './definition.ts';
import { efficientnetLite0 } from './efficientnet-lite0.ts';
import { lenetDigits } from './lenet-digits.ts';
import { describeExtractor, extractorIds } from './table.ts';

describe('the extractor table', () => {
  it('knows its members', () => {
    expect(extractorIds()).toEqual(
      expect.arrayContaining(['lenet-digits.v1', 'efficientnet-lite0.v1', 'pixels.v1']),
    );
    expect(describeExtractor('efficientnet-lite0.v1')).toMatchObject({
      name: 'efficientnet-lite0',
      version: 'v1',
    });
  });

  it('names what there is when asked for what there is not', () => {
    expect(() => describeExtractor('lenet-digits.v2')).toThrow(/lenet-digits\.v1, efficientnet-lite0\.v1, /);
  });
});

describe('the digest of an extractor', () => {
  it('is pinned: another one needs another version of the extractor', () => {
    expect(digestOf(lenetDigits)).toBe('93f805f67b763292f65960124e72624b682d6434450357a95f9dc7520e3457e8');
    expect(digestOf(efficientnetLite0)).toBe(
      '4c3587e5918bb0f19f9973dfc52ff6fbd3559a3d6bb0eac2ff8b546f2e78d574',
    );
    expect(describeExtractor('efficientnet-lite0-int8.v1').digest).toBe(
      'fe3bbcf819a954fa900149a56694367ee455139c686b9bac059f6e1f819ba411',
    );
    expect(describeExtractor('efficientnet-lite2.v1').digest).toBe(
      '89f0034f75804a7ff29bfe32111ae425caa91290638d062079cb5dd5777b1835',
    );
    expect(describeExtractor('face-features.v1').digest).toBe(
      '8b77bdce3182becf61d6c144e966996f6f246342888322c3c5446f254d62a927',
    );
  });

  it('changes with weights, cut and every step of the preprocessing', () => {
    const changes = [
      { weights: { ...lenetDigits.weights, sha256: '0'.repeat(64) } },
      { cut: 'logits' },
      ...Object.entries({
        colour: 'rgb',
        side: 32,
        fit: 'cover',
        resizedSide: 30,
        kernel: 'linear',
        background: 1,
      }).map(([name, value]) => ({ preprocessing: { ...lenetDigits.preprocessing, [name]: value } })),
    ];
    const digests = changes.map((change) => digestOf({ ...lenetDigits, ...change } as typeof lenetDigits));
    expect(new Set([digestOf(lenetDigits), ...digests]).size).toBe(changes.length + 1);
  });
});
