import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createDigitsSource } from './digits.ts';

const source = createDigitsSource({ task: 'digit', extractor: 'lenet-digits.v1' });
const first = [...(source.images(2000) as Iterable<{ bytes: Buffer; label: string | null }>)];

describe('the digits', () => {
  it('are all of MNIST', () => {
    expect(source.size).toBe(70_000);
  });

  it('mix the ten classes from the start', () => {
    const counts = new Map<string | null, number>();
    for (const { label } of first) counts.set(label, (counts.get(label) ?? 0) + 1);
    expect([...counts.keys()].sort()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    for (const count of counts.values()) expect(count).toBeGreaterThan(130);
  });

  it('are distinct, so that each has an id of its own', () => {
    expect(new Set(first.map(({ bytes }) => createHash('sha256').update(bytes).digest('hex'))).size).toBe(
      2000,
    );
  });

  it('come in the same order every time', () => {
    const again = [...(source.images(50) as Iterable<{ bytes: Buffer }>)];
    expect(again.map(({ bytes }) => bytes.toString('hex'))).toEqual(
      first.slice(0, 50).map(({ bytes }) => bytes.toString('hex')),
    );
  });

  it('go on where an earlier run has stopped, and start over when all were sent', () => {
    const ids = (limit: number, from: number) =>
      [...(source.images(limit, from) as Iterable<{ name: string }>)].map(({ name }) => name);
    expect(ids(10, 5)).toEqual(ids(15, 0).slice(5));
    expect(ids(2, 69_999)[1]).toBe(ids(1, 0)[0]);
  });

  it('decode to bright pixels on a dark background', () => {
    const png = first[0]?.bytes ?? Buffer.alloc(0);
    const at = png.indexOf('IDAT');
    const rows = inflateSync(png.subarray(at + 4, at + 4 + png.readUInt32BE(at - 4)));
    expect(rows.length).toBe(29 * 28);
    expect(rows.filter((value) => value > 200).length).toBeGreaterThan(20);
    expect(rows.filter((value) => value === 0).length).toBeGreaterThan(400);
  });
});
