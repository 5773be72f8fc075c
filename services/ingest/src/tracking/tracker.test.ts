import type { ImageClassified } from '@headwater/schemas';
import { describe, expect, it } from 'vitest';
import { createServingTasks } from './serving-tasks.ts';
import type { DeadLetterNotice } from './tracked-image.ts';
import { createTracker } from './tracker.ts';

const image = (id: string, receivedAt: number) => ({
  id,
  receivedAt,
  mediaType: 'image/png',
  width: 1,
  height: 1,
  byteLength: 1,
  blob: undefined,
});

const prediction = (
  imageId: string,
  receivedAt: number,
  more: Partial<ImageClassified> = {},
): ImageClassified => ({
  imageId,
  receivedAt,
  task: 'digit',
  extractor: 'e.v1',
  head: null,
  label: null,
  abstained: false,
  probabilities: {},
  novelty: null,
  predictedAt: 9,
  ...more,
});

const deadLetter = (imageId: string, receivedAt: number | undefined): DeadLetterNotice => ({
  imageId,
  receivedAt,
  topic: 'images-dlt',
  stage: 'extract',
  code: 'image-unreadable',
  reason: 'broken',
  timestamp: 5,
});

const head = { kind: 'lda', version: 3, digest: 'd' } as const;
const any = () => true;

describe('the tracker', () => {
  it('follows an image from its acceptance to its prediction', () => {
    const tracker = createTracker(10);
    expect(tracker.find('a')).toBeUndefined();
    tracker.accepted(image('a', 1));
    expect(tracker.find('a')).toMatchObject({ status: 'accepted', receivedAt: 1 });
    tracker.classified(prediction('a', 1));
    expect(tracker.find('a')).toMatchObject({ status: 'classified', accepted: { width: 1 } });
    tracker.erased('a');
    expect(tracker.find('a')).toMatchObject({ status: 'erased', predictions: [] });
  });

  it('tracks an image of other producers by its prediction', () => {
    const tracker = createTracker(10);
    tracker.classified(prediction('a', 1));
    expect(tracker.find('a')).toMatchObject({ status: 'classified', accepted: undefined });
  });

  it('starts again when an image is sent again, and ignores predictions of the former record', () => {
    const tracker = createTracker(10);
    tracker.classified(prediction('a', 1));
    tracker.accepted(image('a', 2));
    tracker.deadLettered(deadLetter('a', 1));
    expect(tracker.find('a')).toMatchObject({ status: 'accepted', receivedAt: 2, deadLetter: undefined });
  });

  it('reports the dead letter of an image, also when its record cannot be read', () => {
    const tracker = createTracker(10);
    tracker.accepted(image('a', 1));
    tracker.deadLettered(deadLetter('a', undefined));
    tracker.deadLettered(deadLetter('stranger', undefined));
    for (const id of ['a', 'stranger']) {
      expect(tracker.find(id)).toMatchObject({ status: 'dead-lettered', deadLetter: { reason: 'broken' } });
    }
  });

  it('forgets the least recently touched', () => {
    const tracker = createTracker(2);
    for (const id of ['a', 'b']) tracker.accepted(image(id, 1));
    tracker.classified(prediction('a', 1));
    tracker.accepted(image('c', 1));
    expect(['a', 'b', 'c'].map((id) => tracker.find(id)?.status)).toEqual([
      'classified',
      undefined,
      'accepted',
    ]);
    expect(tracker.size).toBe(2);
  });

  it('ends a wait by the answer to its own record alone', async () => {
    const tracker = createTracker(1);
    const [first, second] = [1, 2].map((receivedAt) => tracker.wait({ id: 'a', receivedAt }, any).outcome);
    tracker.classified(prediction('a', 2, { label: 'newer' }));
    tracker.classified(prediction('other', 1));
    tracker.classified(prediction('a', 1, { label: 'older' }));
    expect(await second).toMatchObject({ kind: 'classified', predictions: [{ label: 'newer' }] });
    expect(await first).toMatchObject({ kind: 'classified', predictions: [{ label: 'older' }] });
  });

  it('ends a wait by its dead letter, by cancellation, and when it closes', async () => {
    const tracker = createTracker(10);
    const [lost, unreadable, cancelled, closed] = ['a', 'b', 'c', 'd'].map((id) =>
      tracker.wait({ id, receivedAt: 1 }, any),
    );
    tracker.deadLettered(deadLetter('a', 2));
    tracker.deadLettered(deadLetter('a', 1));
    tracker.deadLettered(deadLetter('b', undefined));
    cancelled?.cancel();
    tracker.close();
    expect(await lost?.outcome).toMatchObject({ kind: 'dead-lettered', deadLetter: { receivedAt: 1 } });
    expect(await unreadable?.outcome).toMatchObject({ kind: 'dead-lettered' });
    expect(await cancelled?.outcome).toEqual({ kind: 'timed-out' });
    expect(await closed?.outcome).toEqual({ kind: 'timed-out' });
    expect(await tracker.wait({ id: 'e', receivedAt: 1 }, any).outcome).toEqual({ kind: 'timed-out' });
  });
});

describe('the completion of a wait', () => {
  const answered = (task: string, more: Partial<ImageClassified> = {}) =>
    prediction('a', 1, { task, ...more });
  const activate = (task: string, extractor: string) =>
    ({ task, extractor, kind: 'lda', version: 1, reason: 'champion', activatedAt: 1 }) as const;

  it('is one answer to each declared task', () => {
    const complete = createServingTasks(['digit', 'style']).completion();
    expect(complete([answered('digit')])).toBe(false);
    expect(complete([answered('digit'), answered('style')])).toBe(true);
  });

  it('is the first answer where no task is known', () => {
    const complete = createServingTasks([]).completion();
    expect(complete([])).toBe(false);
    expect(complete([answered('anything')])).toBe(true);
  });

  it('is an answer by a head or from the extractor that serves', () => {
    const tasks = createServingTasks([]);
    tasks.activated('digit', activate('digit', 'served.v1'));
    const complete = tasks.completion();
    expect(complete([answered('digit', { extractor: 'other.v1' })])).toBe(false);
    expect(complete([answered('digit', { extractor: 'served.v1' })])).toBe(true);
    expect(complete([answered('digit', { extractor: 'other.v1', head })])).toBe(true);
    tasks.activated('digit', undefined);
    expect(complete([answered('digit', { extractor: 'other.v1' })])).toBe(true);
  });

  it('is the requested task', () => {
    const complete = createServingTasks(['digit', 'style']).completion('style');
    expect(complete([answered('digit')])).toBe(false);
    expect(complete([answered('style')])).toBe(true);
  });
});
