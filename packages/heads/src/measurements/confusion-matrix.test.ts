import { describe, expect, it } from 'vitest';
import { reportOf } from './classification-report.ts';
import { ConfusionMatrix } from './confusion-matrix.ts';

describe('ConfusionMatrix', () => {
  it('reverts additions and drops a class with its last example', () => {
    const matrix = new ConfusionMatrix();
    matrix.add('a', 'b');
    matrix.add('a', 'a', 3);
    matrix.add('a', 'b', -1);
    expect(matrix.classes).toEqual(['a']);
    expect(matrix.total).toBe(3);
    expect(matrix.entries()).toEqual([['a', 'a', 3]]);
  });

  it('rejects fractions and counts below zero', () => {
    const matrix = new ConfusionMatrix();
    expect(() => matrix.add('a', 'a', -1)).toThrow(RangeError);
    expect(() => matrix.add('a', 'a', 0.5)).toThrow(RangeError);
    expect(matrix.total).toBe(0);
  });

  it('orders classes by their UTF-8 bytes, including those that were only predicted', () => {
    const matrix = ConfusionMatrix.fromEntries([
      ['\u{1f600}', '\uffee', 1],
      ['z', 'a', 1],
    ]);
    expect(matrix.classes).toEqual(['a', 'z', '\uffee', '\u{1f600}']);
  });

  it('lists the most frequent mistakes, counts the others, and keeps class counts exact', () => {
    const bounded = new ConfusionMatrix(20);
    const whole = new ConfusionMatrix();
    for (let at = 0; at < 900; at++) {
      const label = `c${at % 9}`;
      const predicted = at % 3 === 0 ? 'often' : `c${(at * 7 + (at >> 4)) % 9}`;
      for (const matrix of [bounded, whole]) matrix.add(label, predicted);
    }
    expect(whole.unlisted).toBe(0);
    expect(bounded.classes).toEqual(whole.classes);
    for (const label of whole.classes) expect(bounded.countsOf(label)).toEqual(whole.countsOf(label));
    const sum = bounded.entries().reduce((counted, [, , count]) => counted + count, 0);
    expect(sum + bounded.unlisted).toBe(900);
    const mistakes = bounded.entries().filter(([label, predicted]) => label !== predicted);
    expect(mistakes.length).toBeLessThanOrEqual(20);
    for (const label of ['c0', 'c3', 'c6']) expect(bounded.count(label, 'often')).toBeGreaterThan(80);
    for (const [label, predicted, count] of mistakes) {
      expect(count).toBeLessThanOrEqual(whole.count(label, predicted));
    }
    expect(reportOf(bounded)).toEqual(reportOf(whole));
  });

  it('subtracts unlisted pairs from the rest, down to zero', () => {
    const matrix = new ConfusionMatrix(4);
    const pairs = Array.from({ length: 30 }, (_, at): [string, string] => [`a${at % 6}`, `b${at % 5}`]);
    for (const [label, predicted] of pairs) matrix.add(label, predicted);
    expect(matrix.unlisted).toBeGreaterThan(0);
    for (const [label, predicted] of pairs) matrix.add(label, predicted, -1);
    expect(matrix.state()).toEqual({ classes: [], mistakes: [], rest: 0 });
    expect(() => matrix.add('a0', 'b0', -1)).toThrow(RangeError);
  });

  it('survives JSON and merges, including its unlisted rest', () => {
    const matrix = new ConfusionMatrix(3);
    for (let at = 0; at < 12; at++) matrix.add(`a${at % 4}`, `b${at % 3}`);
    const again = ConfusionMatrix.fromState(JSON.parse(JSON.stringify(matrix.state())));
    expect(again.state()).toEqual(matrix.state());
    again.merge(matrix);
    expect([again.total, again.unlisted]).toEqual([24, 2 * matrix.unlisted]);
  });
});
