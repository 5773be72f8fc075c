import type { HeadActivated, ImageClassified } from '@headwater/schemas';
import { describe, expect, it } from 'vitest';
import { createServingTasks } from './serving-tasks.ts';

const headOf = (extractor: string): HeadActivated => ({
  task: 'any',
  extractor,
  kind: 'lda',
  version: 1,
  reason: 'champion',
  activatedAt: 1_760_000_000_000,
});

function prediction(task: string, extractor: string, isServed = true): ImageClassified {
  const head = isServed ? ({ kind: 'lda', version: 1, digest: '' } as const) : null;
  return { task, extractor, head } as ImageClassified;
}

describe('the tasks that a request waits for', () => {
  it('are those of the moment of the request', () => {
    const serving = createServingTasks([]);
    serving.activated('digit', headOf('a.v1'));
    const isComplete = serving.completion();
    serving.activated('style', headOf('a.v1'));
    expect(isComplete([])).toBe(false);
    expect(isComplete([prediction('digit', 'a.v1')])).toBe(true);
    expect(serving.completion()([prediction('digit', 'a.v1')])).toBe(false);
  });

  it('are answered by either extractor when the serving one changes meanwhile', () => {
    for (const isServed of [true, false]) {
      for (const answering of ['a.v1', 'b.v1']) {
        const serving = createServingTasks(['digit']);
        serving.activated('digit', headOf('a.v1'));
        const isComplete = serving.completion();
        serving.activated('digit', headOf('b.v1'));
        expect(isComplete([prediction('digit', answering, isServed)])).toBe(true);
      }
    }
  });

  it('are answered without a head when the head is taken away meanwhile', () => {
    const serving = createServingTasks(['digit']);
    serving.activated('digit', headOf('a.v1'));
    const isComplete = serving.completion();
    expect(isComplete([prediction('digit', 'b.v1', false)])).toBe(false);
    serving.activated('digit', undefined);
    expect(isComplete([prediction('digit', 'b.v1', false)])).toBe(true);
  });

  it('are the one that is named, else any where none is known', () => {
    const serving = createServingTasks([]);
    expect(serving.completion()([prediction('digit', 'a.v1', false)])).toBe(true);
    expect(serving.completion('style')([prediction('digit', 'a.v1')])).toBe(false);
    expect(serving.completion('style')([prediction('style', 'a.v1')])).toBe(true);
  });
});
