import { describe, expect, it } from 'vitest';
import { createServedAccuracy } from './served-accuracy.ts';

describe('served accuracy', () => {
  it('is unknown before the first label', () => {
    expect(createServedAccuracy(3).last).toEqual({ labelled: 0, accuracy: null });
  });

  it('forgets all but the last labels', () => {
    const served = createServedAccuracy(4);
    for (let wrong = 0; wrong < 10; wrong++) served.score('1', '2');
    for (let right = 0; right < 3; right++) served.score('2', '2');
    expect(served.last).toEqual({ labelled: 4, accuracy: 0.75 });
  });

  it('counts predictions without a head apart', () => {
    const served = createServedAccuracy(4);
    served.score(null, '1');
    served.score('1', '1');
    expect(served.last).toEqual({ labelled: 1, accuracy: 1 });
    expect(served.unanswered).toBe(1);
  });

  it('separates seen classes from new ones', () => {
    const served = createServedAccuracy(10);
    served.score('1', '1');
    served.score('1', '7');
    served.score('7', '7');
    expect(served.among(new Set(['1']), true)).toEqual({ labelled: 1, accuracy: 1 });
    expect(served.among(new Set(['1']), false)).toEqual({ labelled: 2, accuracy: 0.5 });
  });
});
