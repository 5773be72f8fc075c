import { describe, expect, it } from 'vitest';
import type { ConfiguredDecisionPolicies, DecisionPolicy } from './decision-policy.ts';
import { DecisionPolicyCheck } from './decision-policy-check.ts';

interface Line {
  readonly level: 'info' | 'warn';
  readonly fields: Record<string, unknown>;
}

function checkOf(costs: DecisionPolicy['costs'], tasks: readonly string[] = ['part']) {
  const lines: Line[] = [];
  const logger = {
    info: (fields: Record<string, unknown>) => void lines.push({ level: 'info', fields }),
    warn: (fields: Record<string, unknown>) => void lines.push({ level: 'warn', fields }),
  };
  const rules: ConfiguredDecisionPolicies = Object.assign(
    (task: string) => ({ maxErrorRate: null, costs: task === 'part' ? costs : null }),
    { tasks },
  );
  return {
    lines,
    check: new DecisionPolicyCheck(
      rules,
      logger as unknown as ConstructorParameters<typeof DecisionPolicyCheck>[1],
    ),
  };
}

describe('costs and the classes of a head', () => {
  it('warns of a class that the head does not know, once for each', () => {
    const { lines, check } = checkOf({ scrach: { good: 9 }, dent: { fine: 2 } });
    check.checkHead('part', 3, ['good', 'scratch']);
    check.checkHead('part', 4, ['good', 'scratch', 'dent']);
    check.checkHead('part', 5, ['good', 'scratch']);
    expect(lines).toEqual([
      {
        level: 'warn',
        fields: { task: 'part', version: 3, classes: ['scrach', 'dent', 'fine'], count: 3, unnamed: 1 },
      },
    ]);
  });

  it('warns of a class that a later head no longer knows', () => {
    const { lines, check } = checkOf({ scratch: { good: 9 } });
    check.checkHead('part', 1, ['good', 'scratch']);
    expect(lines).toEqual([]);
    check.checkHead('part', 2, ['good', 'other']);
    expect(lines).toMatchObject([{ level: 'warn', fields: { classes: ['scratch'] } }]);
  });

  it('reports once that not all classes have costs', () => {
    const { lines, check } = checkOf({ scratch: { good: 9 } });
    for (const version of [1, 2]) check.checkHead('part', version, ['good', 'scratch', 'dent']);
    expect(lines).toEqual([{ level: 'info', fields: { task: 'part', version: 1, unnamed: 1 } }]);
  });

  it('lists only some of many classes', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, k) => [`x${k}`, { good: 2 }]));
    const { lines, check } = checkOf(many);
    check.checkHead('part', 1, ['good']);
    expect(lines[0]?.fields).toMatchObject({ count: 500 });
    expect(lines[0]?.fields.classes).toHaveLength(20);
  });

  it('logs nothing without configured costs', () => {
    const { lines, check } = checkOf(null);
    check.checkHead('part', 1, ['good']);
    expect(lines).toEqual([]);
  });

  it('warns of unknown tasks', () => {
    const { lines, check } = checkOf(null, ['part', 'prat']);
    check.checkTasks(new Set(['part']));
    expect(lines).toEqual([{ level: 'warn', fields: { tasks: ['prat'], count: 1 } }]);
    check.checkTasks(new Set(['part', 'prat']));
    expect(lines).toHaveLength(1);
  });
});
