import { expect, it } from 'vitest';
import { createBudget } from './budget.ts';

it('a budget rejects amounts beyond its limit, and is released once', () => {
  const budget = createBudget(10, 'bytes');
  const first = budget.reserve(6);
  expect(() => budget.reserve(5)).toThrow(expect.objectContaining({ code: 'overloaded' }));
  first.grow(4);
  expect(() => first.grow(1)).toThrow(expect.objectContaining({ code: 'overloaded' }));
  expect(budget.used).toBe(10);
  first.release();
  first.release();
  expect(budget.used).toBe(0);
  expect(() => budget.reserve(10)).not.toThrow();
});
