import { describe, expect, it } from 'vitest';
import { digestOf } from './definition.ts';
import { efficientnetLite0 } from './efficientnet-lite0.ts';
import { lenetDigits } from './lenet-digits.ts';
import { describeExtractor, extractorIds } from './table.ts';

describe('the extractor table', () => {
  it('lists its members', () => {
    expect(extractorIds()).toEqual(
      expect.arrayContaining(['lenet-digits.v1', 'efficientnet-lite0.v1', 'pixels.v1']),
    );
    expect(describeExtractor('efficientnet-lite0.v1')).toMatchObject({
      name: 'efficientnet-lite0',
      version: 'v1',
    });
  });

  it('lists the known extractors for an unknown id', () => {
    expect(() => describeExtractor('lenet-digits.v2')).toThrow(/lenet-digits\.v1, efficientnet-lite0\.v1, /);
  });
});

describe('the digest of an extractor', () => {
  it('is pinned: another one needs another version of the extractor, or a raised decode revision', () => {
    expect(digestOf(lenetDigits)).toBe('6c027e6094a3e8f4a7a8a18d1337feb11933c6ac67df293829e46a5bcd4df5ee');
    expect(digestOf(efficientnetLite0)).toBe(
      '8ee2199146b3a479c1c74e04b6617338fa89fd52ff610797948b537ec5bee2f5',
    );
    expect(describeExtractor('efficientnet-lite0-int8.v1').digest).toBe(
      '03fc173ae6c1f6941a347272c49c7516bb0fc2ba8e17f4d94a7a23b7c8fd6da5',
    );
    expect(describeExtractor('efficientnet-lite2.v1').digest).toBe(
      'a057c1a80db23a3b77e92dbf8ca8434d9db8148c03f5d5c6d30d39844bdda332',
    );
    expect(describeExtractor('face-features.v1').digest).toBe(
      '2ab3998ae246a8790e65134ab39292463217cdc8a727214adb6f218ce19e9526',
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
