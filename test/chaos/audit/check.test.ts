/** Inflicts each kind of damage on a sound run, and expects the check to find it. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Sent } from '../driver.ts';
import { createPlan } from '../plan.ts';
import { type Expected, type Judgement, judge } from './check.ts';
import type { Found } from './found.ts';

const plan = createPlan({
  seed: 7,
  bursts: 3,
  imagesPerBurst: 20,
  truth: (index) => String(index % 10),
  classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
});
const epoch = 1_700_000_000_000;
const sent: Sent[] = plan.bursts.flat().map((operation) => ({ operation, attempts: 1 }));
const expected: Expected = { plan, sent, epoch };

const digestOf = (text: string) => createHash('sha256').update(text).digest('hex');

/** The content of the topics after a sound run. */
function sound(): { -readonly [Topic in keyof Found]: Found[Topic][number][] } {
  const found: ReturnType<typeof sound> = {
    images: [],
    labels: [],
    vectors: [],
    predictions: [],
    examples: [],
    heads: [],
    deadLetters: [],
  };
  for (const [offset, { operation }] of sent.entries()) {
    const { imageId, label } = operation;
    const record = { key: imageId, source: null };
    if (operation.kind === 'label') {
      const { annotator } = operation;
      const value = { imageId, label, annotator, assignedAt: epoch + operation.assignedAt };
      found.labels.push({ ...record, topic: 'labels', place: `labels/0/${offset}`, value });
      continue;
    }
    const [image, vector] = [`images/0/${offset}`, `vectors/0/${offset}`];
    const value = { imageId };
    found.images.push({ ...record, topic: 'images', place: image, value });
    found.vectors.push({ ...record, topic: 'vectors', place: vector, source: image, value });
    const place = `predictions/0/${offset}`;
    found.predictions.push({
      ...record,
      topic: 'predictions',
      place,
      source: vector,
      value: { imageId, head: null },
    });
  }
  for (const [imageId, label] of plan.winners) {
    const digest = label === null ? null : digestOf(`${imageId} ${label}`);
    const place = `examples/0/${found.examples.length}`;
    const value = { imageId, label, digest };
    found.examples.push({ topic: 'examples', place, key: `x/digit/${imageId}`, source: null, value });
  }
  const value = {
    kind: 'lda',
    version: 1,
    digest: digestOf('head'),
    setDigest: sumOf(found.examples),
    watermark: found.examples.length,
    mode: 'settled' as const,
    examples: found.examples.filter((example) => example.value?.label !== null).length,
  };
  found.heads.push({ topic: 'heads', place: 'heads/0/0', key: 'x/digit/lda/1', source: null, value });
  return found;
}

function sumOf(examples: Found['examples']): string {
  const digests = examples.flatMap(({ value }) => value?.digest ?? []);
  const sum = digests.reduce((before, digest) => (before + BigInt(`0x${digest}`)) % 2n ** 256n, 0n);
  return sum.toString(16).padStart(64, '0');
}

/** Judges a run with this damage. */
function judgeAfter(damage: (found: ReturnType<typeof sound>) => void): Judgement {
  const found = sound();
  damage(found);
  return judge(found, expected);
}

const counts = ({ lost, duplicates, wrong }: Judgement) => ({ lost, duplicates, wrong });
const whatOf = (judgement: Judgement) => judgement.findings.map(({ what }) => what).join('\n');

describe('the check', () => {
  it('finds nothing in a sound run', () => {
    const judgement = judge(sound(), expected);
    expect(judgement.findings).toEqual([]);
    expect(judgement.setDigest).toBe(judgement.examplesDigest);
    expect(judgement.headDigest).toBe(digestOf('head'));
  });

  it.each(['images', 'labels', 'vectors', 'predictions'] as const)('finds a lost record of %s', (topic) => {
    const judgement = judgeAfter((found) => found[topic].splice(5, 1));
    expect(judgement.lost).toBeGreaterThan(0);
  });

  it.each(['images', 'labels', 'vectors', 'predictions'] as const)(
    'finds a duplicate record of %s',
    (topic) => {
      const judgement = judgeAfter((found) => {
        const again = found[topic][5];
        if (again !== undefined) found[topic].push({ ...again, place: `${topic}/1/999` } as never);
      });
      expect(judgement.duplicates).toBeGreaterThan(0);
    },
  );

  it('accepts a duplicate after a send without a response', () => {
    const found = sound();
    const again = found.labels[0];
    if (again !== undefined) found.labels.push({ ...again, place: 'labels/1/999' });
    const tried = sent.map(({ operation }) => ({ operation, attempts: 2 }));
    expect(judge(found, { ...expected, sent: tried }).findings).toEqual([]);
  });

  it('finds records that were not sent, and outputs without a source', () => {
    const stranger = judgeAfter((found) =>
      found.images.push({ ...record('images'), key: 'x', value: { imageId: 'x' } }),
    );
    expect(whatOf(stranger)).toContain('image x: nobody sent it');
    const orphan = judgeAfter((found) => {
      const [prediction] = found.predictions;
      if (prediction !== undefined) found.predictions[0] = { ...prediction, source: 'vectors/9/9' };
    });
    expect(counts(orphan)).toEqual({ lost: 1, duplicates: 0, wrong: 1 });
  });

  it('finds an output under the key of another image', () => {
    const judgement = judgeAfter((found) => {
      const [vector] = found.vectors;
      if (vector !== undefined) found.vectors[0] = { ...vector, key: 'another' };
    });
    expect(counts(judgement)).toMatchObject({ lost: 0, duplicates: 0 });
    expect(whatOf(judgement)).toContain('has another key');
  });

  it('finds a missing example in the table, in the sum and in the count', () => {
    const judgement = judgeAfter((found) => {
      found.examples.splice(
        found.examples.findIndex(({ value }) => value?.label !== null),
        1,
      );
    });
    expect(counts(judgement)).toEqual({ lost: 1, duplicates: 0, wrong: 2 });
  });

  it('finds a correction or a retraction that was not learned', () => {
    const alter = (isRetracted: boolean) =>
      judgeAfter((found) => {
        const at = found.examples.findIndex(({ value }) => (value?.label === null) === isRetracted);
        const example = found.examples[at];
        if (!example?.value) throw new Error('the plan has no such label');
        const label = example.value.label === '3' ? '4' : '3';
        found.examples[at] = { ...example, value: { ...example.value, label, digest: digestOf('another') } };
      });
    expect(whatOf(alter(false))).toMatch(/example of image-\d+ says \d, and \d counts/);
    expect(whatOf(alter(true))).toMatch(/example of image-\d+ says \d, and a retraction counts/);
  });

  it('uses the last of several examples of a key', () => {
    const judgement = judgeAfter((found) => {
      const [example] = found.examples;
      if (example?.value) found.examples.unshift({ ...example, value: { ...example.value, label: 'old' } });
    });
    expect(judgement.findings).toEqual([]);
  });

  it('finds a head that has learned another set than the present one', () => {
    const judgement = judgeAfter((found) => alterHead(found, { setDigest: '0'.repeat(64) }));
    expect(whatOf(judgement)).toContain('has not learned the examples that there are');
    expect(judgement.setDigest).not.toBe(judgement.examplesDigest);
    expect(whatOf(judgeAfter((found) => alterHead(found, { examples: 1 })))).toMatch(
      /has learned 1 examples of \d+/,
    );
  });

  it('finds a version given to two heads, and a prediction by an unknown head', () => {
    const again = (change: object) =>
      judgeAfter((found) => {
        const [head] = found.heads;
        if (head?.value) found.heads.unshift({ ...head, value: { ...head.value, ...change } });
      });
    expect(counts(again({ watermark: 1 }))).toEqual({ lost: 0, duplicates: 0, wrong: 0 });
    expect(counts(again({ watermark: 1, digest: digestOf('another') }))).toEqual({
      lost: 0,
      duplicates: 1,
      wrong: 0,
    });
    const unknown = judgeAfter((found) => {
      const [prediction] = found.predictions;
      if (prediction === undefined) return;
      const value = { ...prediction.value, head: { version: 1, digest: digestOf('another head') } };
      found.predictions[0] = { ...prediction, value };
    });
    expect(whatOf(unknown)).toContain('a head that there is not');
  });

  it('accepts a dead letter as an outcome, and reports it', () => {
    const judgement = judgeAfter((found) => {
      const [vector] = found.vectors.splice(0, 1);
      found.predictions.splice(0, 1);
      found.deadLetters.push({
        topic: 'deadLetters',
        place: 'images-dlt/0/0',
        source: vector?.source ?? '',
        reason: 'blob-missing',
      });
    });
    expect(counts(judgement)).toEqual({ lost: 0, duplicates: 0, wrong: 1 });
  });
});

const record = <Topic extends string>(topic: Topic) => ({ topic, place: `${topic}/9/9`, source: null });

function alterHead(found: ReturnType<typeof sound>, change: Record<string, unknown>): void {
  const [head] = found.heads;
  if (head?.value) found.heads[0] = { ...head, value: { ...head.value, ...change } };
}
