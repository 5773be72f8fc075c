import { describe, expect, it } from 'vitest';
import { ConfusionMatrix } from './confusion-matrix.ts';

describe('ConfusionMatrix', () => {
  it('takes out what was put in, and forgets a class with its last example', () => {
    const matrix = new ConfusionMatrix();
    matrix.add('a', 'b');
    matrix.add('a', 'a', 3);
    matrix.add('a', 'b', -1);
    expect(matrix.classes).toEqual(['a']);
    expect(matrix.total).toBe(3);
    expect(matrix.entries()).toEqual([['a', 'a', 3]]);
  });

  it('never counts below zero, nor halves', () => {
    const matrix = new ConfusionMatrix();
    expect(() => matrix.add('a', 'a', -1)).toThrow(RangeError);
    expect(() => matrix.add('a', 'a', 0.5)).toThrow(RangeError);
    expect(matrix.total).toBe(0);
  });

  it('orders classes by their UTF-8 bytes, those that were only predicted too', () => {
    const matrix = ConfusionMatrix.fromEntries([
      ['\u{1f600}', '\uffee', 1],
      ['z', 'a', 1],
    ]);
    expect(matrix.classes).toEqual(['a', 'z', '\uffee', '\u{1f600}']);
  });
});
