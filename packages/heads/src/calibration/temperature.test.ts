import { describe, expect, it } from 'vitest';
import { chooseTemperature, type HeldOutLogits } from './temperature.ts';

/** `counts` examples of each class; the first `wrong` of them have the logits of the next class. */
function leftOut(counts: readonly number[], wrong: readonly number[] = []): HeldOutLogits {
  const labels = counts.flatMap((count, label) => Array<number>(count).fill(label));
  const logits = counts.flatMap((count, label) =>
    Array.from({ length: count }, (_, i) => {
      const seen = i < (wrong[label] ?? 0) ? (label + 1) % counts.length : label;
      return counts.map((_, k) => (k === seen ? 3 : 0));
    }).flat(),
  );
  return { classes: counts.length, logits: Float64Array.from(logits), labels: Int32Array.from(labels) };
}

describe('the leave-one-out accuracy', () => {
  it.each([[[333, 333, 334]], [[7, 49, 1_000, 3, 11]], [Array.from({ length: 19 }, (_, k) => 40 + k)]])(
    'is exactly 1 where all predictions are right',
    (counts) => {
      expect(chooseTemperature(leftOut(counts))?.accuracy).toBe(1);
    },
  );

  it('weighs all classes equally, regardless of their size', () => {
    expect(chooseTemperature(leftOut([10, 100, 2], [1, 20, 1]))?.accuracy).toBeCloseTo(
      (0.9 + 0.8 + 0.5) / 3,
      14,
    );
  });

  it('ignores classes whose examples cannot be scored', () => {
    const heldOut = leftOut([4, 1, 4], [2, 0, 0]);
    heldOut.labels[4] = -1;
    expect(chooseTemperature(heldOut)?.accuracy).toBe(0.75);
  });
});
