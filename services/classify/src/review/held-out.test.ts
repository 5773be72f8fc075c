import { type HeadKind, type LabelledVector, quantize } from '@headwater/heads';
import { describe, expect, it } from 'vitest';
import { type CrossValidationRequest, crossValidateHead } from './held-out.ts';

/** Near the axis of its class, with some variation. */
function vectorOf(image: number): Float32Array {
  const axis = image % 3;
  return Float32Array.from(
    { length: 8 },
    (_, i) => (i === axis ? 1 : 0) + 0.1 * Math.sin(image * 7.1 + i * 3.3),
  );
}

const set = { extractor: 'eight.v1', task: 'digit', dimensions: 8 };

function example(image: number, label = `c${image % 3}`, group: string | null = null): LabelledVector {
  return {
    imageId: `i${image}`,
    label,
    group,
    vector: quantize(vectorOf(image)),
  };
}

function question(
  examples: readonly LabelledVector[],
  rest: Partial<CrossValidationRequest> = {},
): CrossValidationRequest {
  return { kind: 'lda', set, examples, judged: 2_000, ...rest };
}

const sixty = Array.from({ length: 60 }, (_, image) => example(image, image === 7 ? 'c2' : undefined));

describe('crossValidateHead', () => {
  it.each<HeadKind>(['lda', 'ridge', 'ncm', 'knn', 'softmax'])(
    'predicts every example by a %s that has not learned it',
    (kind) => {
      const { folds, judged, learned, report } = crossValidateHead(question(sixty, { kind }));
      expect({ folds, judged, learned }).toEqual({ folds: 5, judged: 60, learned: 48 });
      expect(report.accuracy).toBeCloseTo(59 / 60, 12);
      expect(report.confusion).toContainEqual(['c2', 'c1', 1]);
      expect(report.worst[0]).toMatchObject({ imageId: 'i7', label: 'c2', predicted: 'c1' });
    },
  );

  it('predicts only the first ones of too many, and learns all', () => {
    const { judged, learned } = crossValidateHead(question(sixty, { judged: 20 }));
    expect({ judged, learned }).toEqual({ judged: 20, learned: 48 });
  });

  it('keeps near-duplicates in one fold, since they would reveal each other', () => {
    // Labels that only the twin reveals.
    const twins = Array.from({ length: 40 }, (_, image) => {
      const unit = Math.floor(image / 2);
      const vector = quantize(
        Float32Array.from({ length: 8 }, (_, i) => Math.sin(unit * 12.9898 + i * 78.233)),
      );
      return { imageId: `t${image}`, label: unit % 2 === 0 ? 'even' : 'odd', group: `g${unit}`, vector };
    });
    const alone = twins.map((one) => ({ ...one, group: null }));
    const shuffled = [
      ...alone.filter((_, i) => i % 2 === 0),
      ...alone.filter((_, i) => i % 2 === 1).toReversed(),
    ];
    const apart = crossValidateHead(question(shuffled, { kind: 'knn' })).report.accuracy ?? 0;
    const together = crossValidateHead(question(twins, { kind: 'knn' })).report.accuracy ?? 1;
    expect(apart).toBeGreaterThan(together);
  });

  it('measures nothing where the examples cannot be split', () => {
    expect(crossValidateHead(question([example(1)]))).toMatchObject({
      folds: 0,
      judged: 0,
      note: expect.stringContaining('one labelled example'),
      report: { accuracy: null, macro: { f1: null } },
    });
    const group = [example(1, 'a', 'g'), example(2, 'b', 'g')];
    const note = expect.stringContaining('one group');
    expect(crossValidateHead(question(group))).toMatchObject({ folds: 0, judged: 0, note });
  });

  it('notes that no prediction can be correct where each class has one example', () => {
    const alone = [example(0), example(1), example(2)];
    const note = expect.stringContaining('Every class has one example');
    expect(crossValidateHead(question(alone))).toMatchObject({ folds: 3, note, report: { accuracy: 0 } });
    expect(crossValidateHead(question(sixty)).note).toBeNull();
  });

  it('counts a class that is only in the held-out fold as unknown', () => {
    const { report } = crossValidateHead(question([...sixty, example(60, 'alone')]));
    expect(report.classes.get('alone')).toMatchObject({ support: 1, recall: 0 });
  });
});
