import type { PrequentialFigures } from '@headwater/heads';
import { describe, expect, it } from 'vitest';
import { selectChampion } from './champion.ts';

const recent = (logLoss: number, examples = 500): PrequentialFigures => ({
  examples,
  accuracy: 0.9,
  logLoss,
});
const of = (head: string, figures?: PrequentialFigures) => ({ head, recent: figures });

describe('the champion', () => {
  it('is the first in order of preference without enough scores', () => {
    const few = [of('a'), of('b', recent(0.1, 199))];
    expect(selectChampion(few, undefined)?.head).toBe('a');
    expect(selectChampion(few, few[1])?.head).toBe('a');
    expect(selectChampion([], undefined)).toBeUndefined();
  });

  it('is the head with a clearly smaller loss', () => {
    const seriesList = [of('a', recent(1)), of('b', recent(0.9)), of('c', recent(0.7))];
    expect(selectChampion(seriesList, seriesList[0])?.head).toBe('c');
    expect(selectChampion(seriesList, undefined)?.head).toBe('c');
  });

  it('does not alternate between heads of similar loss', () => {
    const at = (b: number) => [of('a', recent(1)), of('b', recent(b))];
    const [first, second] = [at(0.96), at(0.94)];
    expect(selectChampion(first, first[0])?.head).toBe('a');
    expect(selectChampion(second, second[0])?.head).toBe('b');
    expect(selectChampion(first, first[1])?.head).toBe('b');
    const third = at(1);
    expect(selectChampion(third, third[1])?.head).toBe('a');
  });

  it('is not replaced by a preferred head without enough scores', () => {
    const seriesList = [of('new', recent(0.1, 10)), of('old', recent(1))];
    expect(selectChampion(seriesList, seriesList[1])?.head).toBe('old');
  });

  it('is not replaced for a gain of hundredths of a nat', () => {
    const seriesList = [of('a', recent(0.02)), of('b', recent(0.011))];
    expect(selectChampion(seriesList, seriesList[0])?.head).toBe('a');
  });
});
