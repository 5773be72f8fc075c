import { describe, expect, it } from 'vitest';
import { murmur2, partitionFor } from './murmur2.ts';

/** From `UtilsTest.testMurmur2` of Apache Kafka. */
const javaHashes: readonly (readonly [string, number])[] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
];

describe('murmur2', () => {
  it.each(javaHashes)('hashes %s like the Java client', (text, hash) => {
    expect(murmur2(Buffer.from(text))).toBe(hash);
  });

  it('hashes a key that starts inside its buffer', () => {
    const padded = Buffer.from('xyzfoobar').subarray(3);
    expect(murmur2(padded)).toBe(-790332482);
  });

  it('computes the partition from the positive part of the hash, for text and bytes', () => {
    expect(partitionFor('foobar', 7)).toBe((-790332482 & 0x7fffffff) % 7);
    expect(partitionFor(Buffer.from('bild-ä'), 12)).toBe(partitionFor('bild-ä', 12));
  });
});
