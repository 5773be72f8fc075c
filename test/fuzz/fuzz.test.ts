/** A few hundred cases of `npm run fuzz` with each test run. */
import { expect, it } from 'vitest';
import { inputOf, judge } from './case-runner.ts';
import { shrink } from './shrinking.ts';
import { targets } from './targets/targets.ts';

const seed = 20;
/** Few cases of images, since some of them are slow bombs. */
const cases: Readonly<Record<string, { readonly from: number; readonly to: number }>> = {
  images: { from: 1, to: 120 },
  avro: { from: 0, to: 1_000 },
  records: { from: 0, to: 100 },
  http: { from: 0, to: 120 },
  classify: { from: 0, to: 120 },
};

it.each(targets.map((target) => [target.name, target] as const))(
  '%s ends every case in a documented way',
  async (name, target) => {
    const open = await target.open();
    const { from, to } = cases[name] ?? { from: 0, to: 0 };
    const outcomes = new Set<string>();
    for (let index = from; index < to; index += 1) {
      const { outcome, wrong } = await judge(target, open, inputOf(target, open, seed, index));
      expect({ index, wrong }).toEqual({ index, wrong: undefined });
      outcomes.add(outcome);
    }
    await open.close();
    // Valid inputs are among them, and more than one kind of invalid input.
    expect([...outcomes].some((outcome) => ['ok', '200', '202'].includes(outcome))).toBe(true);
    expect(outcomes.size).toBeGreaterThan(2);
  },
);

it('shrinks a failing case as long as it fails', async () => {
  const fails = async (candidate: Buffer) => candidate.includes('bad');
  const input = Buffer.concat([Buffer.alloc(500, 'x'), Buffer.from('bad'), Buffer.alloc(300, 'y')]);
  expect(String(await shrink(input, fails, 500))).toBe('bad');
});
