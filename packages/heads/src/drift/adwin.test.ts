import { describe, expect, it } from 'vitest';
import { Adwin, type AdwinChange } from './adwin.ts';

type Part = readonly [length: number, errorRate: number];

/** Mulberry32, short enough to reproduce the same stream in any language. Uniform in [0, 1). */
function seededUniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Zeros and ones: for each part its number of values, each one with the part's probability. */
function* errorsOf(seed: number, parts: readonly Part[]): Generator<number> {
  const next = seededUniform(seed);
  for (const [length, rate] of parts) for (let i = 0; i < length; i++) yield next() < rate ? 1 : 0;
}

function changesOf(adwin: Adwin, values: Iterable<number>): (AdwinChange & { readonly at: number })[] {
  const changes = [];
  let at = 0;
  for (const value of values) {
    at++;
    const change = adwin.update(value);
    if (change !== null) changes.push({ at, ...change });
  }
  return changes;
}

/**
 * Where River 0.26.1 found drift (`drift.ADWIN(delta=0.002)`, its defaults) on the same zeros and ones. River forgets
 * everything after an alarm, ADWIN2 keeps the newer part: both report each change at the same value.
 */
const river: readonly [seed: number, parts: readonly Part[], foundAt: readonly number[]][] = [
  [
    1,
    [
      [1000, 0.05],
      [1000, 0.3],
    ],
    [1088],
  ],
  [
    2,
    [
      [1000, 0.05],
      [1000, 0.3],
    ],
    [1088],
  ],
  [
    1,
    [
      [1000, 0.4],
      [1000, 0.1],
    ],
    [1120],
  ],
  [
    2,
    [
      [1000, 0.4],
      [1000, 0.1],
    ],
    [1120],
  ],
  [
    1,
    [
      [2000, 0.1],
      [1000, 0.5],
      [2000, 0.1],
    ],
    [2048, 3072],
  ],
  [
    2,
    [
      [2000, 0.1],
      [1000, 0.5],
      [2000, 0.1],
    ],
    [2048, 3072],
  ],
  [
    1,
    [
      [3000, 0.1],
      [3000, 0.16],
    ],
    [3520],
  ],
  [
    2,
    [
      [3000, 0.1],
      [3000, 0.16],
    ],
    [4512],
  ],
];

describe('Adwin', () => {
  it.each(river)(
    'seed %i, %j: reports each change where River does, within one check',
    (seed, parts, foundAt) => {
      const alarms = changesOf(new Adwin(), errorsOf(seed, parts)).filter(({ continues }) => !continues);
      expect(alarms).toHaveLength(foundAt.length);
      for (const [index, { at }] of alarms.entries()) {
        expect(Math.abs(at - (foundAt[index] ?? 0))).toBeLessThanOrEqual(32);
      }
    },
  );

  it('distinguishes rising from falling errors and reports the means before and after', () => {
    const [rise, fall] = changesOf(
      new Adwin(),
      errorsOf(1, [
        [2000, 0.1],
        [1000, 0.5],
        [2000, 0.1],
      ]),
    ).filter(({ continues }) => !continues);
    expect(rise).toMatchObject({ direction: 'rose', from: expect.closeTo(0.1, 1) });
    expect(fall).toMatchObject({ direction: 'fell', from: expect.closeTo(0.5, 1) });
  });

  it('raises false alarms on a stationary stream at fewer than delta of the checks', () => {
    const delta = 0.05;
    let alarms = 0;
    let checks = 0;
    for (let seed = 1; seed <= 100; seed++) {
      const rate = 0.02 + 0.005 * seed;
      alarms += changesOf(new Adwin({ delta }), errorsOf(seed * 7919, [[4000, rate]])).length;
      checks += 4000 / 32;
    }
    expect(alarms / checks).toBeLessThan(delta);
  });

  it('raises no alarm on a stationary stream with the default delta', () => {
    for (let seed = 1; seed <= 20; seed++) {
      expect(changesOf(new Adwin(), errorsOf(seed, [[5000, 0.08]]))).toEqual([]);
    }
  });

  it('finds a step from 5 % to 25 % errors within 224 values for every seed', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const alarms = changesOf(
        new Adwin(),
        errorsOf(seed, [
          [2000, 0.05],
          [400, 0.25],
        ]),
      );
      const found = alarms.find(({ at, direction }) => at > 2000 && direction === 'rose');
      expect(found?.at).toBeLessThanOrEqual(2224);
    }
  });

  it('keeps the mean of its window in logarithmic memory', () => {
    const adwin = new Adwin();
    const values = [...errorsOf(5, [[20_000, 0.3]])];
    for (const value of values) adwin.update(value);
    expect(adwin.width).toBe(20_000);
    expect(adwin.mean).toBeCloseTo(values.reduce((sum, value) => sum + value, 0) / 20_000, 12);
    expect(adwin.state().buckets.length).toBeLessThanOrEqual(5 * 13);
  });

  it('continues from a restored state without a difference', () => {
    const values = [
      ...errorsOf(3, [
        [1500, 0.1],
        [1500, 0.4],
      ]),
    ];
    const whole = changesOf(new Adwin(), values);
    const first = new Adwin();
    const before = changesOf(first, values.slice(0, 1555));
    const second = Adwin.fromState(JSON.parse(JSON.stringify(first.state())));
    const after = changesOf(second, values.slice(1555)).map((change) => ({
      ...change,
      at: change.at + 1555,
    }));
    expect([...before, ...after]).toEqual(whole);
    expect(whole.length).toBeGreaterThan(0);
  });

  it('rejects invalid options and values', () => {
    expect(() => new Adwin().update(1.5)).toThrow(RangeError);
    expect(() => new Adwin().update(Number.NaN)).toThrow(RangeError);
    expect(() => new Adwin({ delta: 0 })).toThrow(expect.objectContaining({ code: 'config-invalid' }));
  });

  it('has a null mean before the first value', () => {
    expect(new Adwin().mean).toBeNull();
    expect(new Adwin().width).toBe(0);
  });
});
