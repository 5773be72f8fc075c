import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerOf, defaultDecisionPolicy, openDecisionPolicies, parseErrorRates } from './decision-policy.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'headwater-rules-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const classes = ['good', 'scratch'];
const prediction = { label: 'good', probabilities: Float64Array.of(0.8, 0.2), novelty: null };
const measured = { 'sureEnoughFor0.01': 0.9, 'sureEnoughFor0.1': 0.7 };

describe('a decision', () => {
  it('is the most probable class by default', () => {
    expect(answerOf(prediction, classes, {}, defaultDecisionPolicy)).toEqual({
      label: 'good',
      abstained: false,
    });
  });

  it('abstains below the confidence threshold of the maximum error rate', () => {
    const at = (maxErrorRate: number) =>
      answerOf(prediction, classes, measured, { maxErrorRate, costs: null }).abstained;
    expect([at(0.01), at(0.05), at(0.1), at(0.5)]).toEqual([true, true, false, true]);
  });

  it('abstains where the head has no measured thresholds', () => {
    expect(answerOf(prediction, classes, {}, { maxErrorRate: 0.1, costs: null }).abstained).toBe(true);
  });

  it('is the cheapest class where costs differ, and reports the probability of that class', () => {
    const costs = { scratch: { good: 10 } };
    expect(answerOf(prediction, classes, measured, { maxErrorRate: null, costs })).toEqual({
      label: 'scratch',
      abstained: false,
    });
    expect(answerOf(prediction, classes, measured, { maxErrorRate: 0.1, costs }).abstained).toBe(true);
  });
});

describe('the decision policies', () => {
  it('report every task whose costs are invalid', async () => {
    const path = join(folder, 'costs.json');
    writeFileSync(path, '{"a": 1, "b": {"x": {"y": 2}}, "c": {"x": {"y": -2}}}');
    await expect(openDecisionPolicies([], path)).rejects.toThrow('(task a, c)');
  });

  it('have a rate for all tasks, and other rates for some', async () => {
    const rules = await openDecisionPolicies(['0.02', 'digit=0.01'], undefined);
    expect([rules('digit').maxErrorRate, rules('other').maxErrorRate]).toEqual([0.01, 0.02]);
    expect((await openDecisionPolicies([], undefined))('digit')).toEqual(defaultDecisionPolicy);
    expect(rules.tasks).toEqual(['digit']);
  });

  it.each([['1'], ['0'], ['digit'], ['digit=x'], ['0.0001'], ['0.1', '0.2']])('rejects %s', (...words) => {
    expect(parseErrorRates(words)).toBeUndefined();
  });

  it('read costs from a file', async () => {
    const path = join(folder, 'costs.json');
    writeFileSync(path, '{"part": {"scratch": {"good": 10}}}');
    const rules = await openDecisionPolicies([], path);
    expect(rules('part').costs).toEqual({ scratch: { good: 10 } });
    expect(rules('other').costs).toBeNull();
  });

  it.each(['[]', 'nonsense', '{"part": {"scratch": 3}}', '{"part": {"a": {"b": -1}}}'])(
    'report what is wrong with %s',
    async (text) => {
      const path = join(folder, 'costs.json');
      writeFileSync(path, text);
      await expect(openDecisionPolicies([], path)).rejects.toMatchObject({
        code: 'config-invalid',
        message: expect.stringContaining(path),
      });
    },
  );
});
