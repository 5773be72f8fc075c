import { expect, it } from 'vitest';
import { parsePairs } from './pairs.ts';

it('reads pairs with encoded values and blanks around them', () => {
  expect(parsePairs(' api-key = a%2Cb=c , x=y,')).toEqual({ 'api-key': 'a,b=c', x: 'y' });
  expect(parsePairs('')).toEqual({});
});

it.each(['no pair', '=value', 'name=%zz'])('refuses %j', (text) => {
  expect(parsePairs(text)).toBeUndefined();
});
