/** The seed determines everything that is sent and broken; the summary decides whether a run was right. */
import { describe, expect, it } from 'vitest';
import { help, readOptions } from './options.ts';
import { createPlan } from './plan.ts';
import type { RunResult } from './run.ts';
import { createSchedule } from './schedule.ts';
import { isRight, summarize } from './summary.ts';

const classes = ['0', '1', '2'];
const planOf = (seed: number) =>
  createPlan({ seed, bursts: 4, imagesPerBurst: 200, truth: (index) => String(index % 3), classes });

describe('a plan', () => {
  it('is the same for the same seed, and differs for another', () => {
    expect(planOf(1)).toEqual(planOf(1));
    expect(planOf(1).bursts).not.toEqual(planOf(2).bursts);
  });

  it('contains every kind of label event', () => {
    const { bursts, winners } = planOf(1);
    const operations = bursts.flat();
    const labels = operations.filter((operation) => operation.kind === 'label');
    const images = operations.filter((operation) => operation.kind === 'image');
    expect(new Set(images.map(({ imageId }) => imageId)).size).toBe(800);
    expect(images.length).toBeGreaterThan(800);
    expect(images.some(({ label }) => label !== null)).toBe(true);
    const retracted = [...winners.values()].filter((label) => label === null);
    expect(retracted.length).toBeGreaterThan(10);
    expect(winners.size).toBeLessThan(800);
    const places = new Map(operations.map((operation, place) => [operation, place]));
    const placeOf = (imageId: string) =>
      places.get(images.find((image) => image.imageId === imageId) ?? (images[0] as never)) ?? 0;
    expect(labels.some((label) => (places.get(label) ?? 0) < placeOf(label.imageId))).toBe(true);
    const newest = new Map<string, (typeof labels)[number]>();
    let overtaken = 0;
    for (const label of labels) {
      const before = newest.get(label.imageId);
      if (before !== undefined && before.assignedAt > label.assignedAt) overtaken++;
      else newest.set(label.imageId, label);
    }
    expect(overtaken).toBeGreaterThan(10);
    for (const [imageId, { label }] of newest) expect(winners.get(imageId)).toBe(label);
  });
});

describe('a schedule', () => {
  const counts = {
    kill: 5,
    pause: 1,
    broker: 2,
    rebalance: 1,
    blobs: 4,
    state: 3,
    network: 3,
    rolling: 1,
    two: 1,
    coordinator: 2,
    leaders: 2,
    disk: 1,
  };
  const shapeOf = (seed: number) =>
    createSchedule(seed, counts).map(({ fault, afterMs, restMs }) => [fault.kind, afterMs, restMs]);

  it('is the same for the same seed, with the requested number of each kind', () => {
    expect(shapeOf(3)).toEqual(shapeOf(3));
    expect(shapeOf(3)).not.toEqual(shapeOf(4));
    for (const [kind, count] of Object.entries(counts)) {
      expect(shapeOf(3).filter(([one]) => one === kind)).toHaveLength(count);
    }
  });
});

describe('the options', () => {
  it('derive the other faults from the kills, unless one kind alone is requested', () => {
    expect(readOptions(['--kills', '30'])?.counts).toEqual({
      kill: 30,
      pause: 5,
      broker: 4,
      rebalance: 4,
      blobs: 3,
      state: 3,
      network: 0,
      rolling: 0,
      two: 0,
      coordinator: 0,
      leaders: 0,
      disk: 0,
    });
    expect(readOptions(['--kills', '30', '--brokers', '3', '--disks', '1'])?.counts).toMatchObject({
      kill: 30,
      network: 4,
      rolling: 2,
      two: 2,
      coordinator: 3,
      leaders: 5,
      disk: 1,
    });
    expect(readOptions(['--only', 'broker', '--kills', '3'])?.counts).toMatchObject({ kill: 0, broker: 3 });
    expect(readOptions(['--help'])).toBeUndefined();
  });

  it('have three brokers for the trial of producers, else one', () => {
    expect(readOptions(['--only', 'produce', '--moves', '2'])).toMatchObject({
      brokers: 3,
      produce: { records: 100_000, moves: 2 },
    });
    expect(readOptions([])).toMatchObject({ brokers: 1, produce: undefined });
  });

  it('report invalid values', () => {
    expect(() => readOptions(['--kills', 'many'])).toThrow('--kills many: expected a whole number');
    expect(() => readOptions(['--only', 'fire'])).toThrow('expected one of kill, pause');
    expect(() => readOptions(['--color'])).toThrow('--color');
    expect(help).toContain('--only KIND');
  });
});

describe('a summary', () => {
  const result: RunResult = {
    lost: 0,
    duplicates: 0,
    wrong: 0,
    findings: [],
    headDigest: 'aa',
    setDigest: 'bb',
    examplesDigest: 'bb',
    records: { images: 1, labels: 1, vectors: 1, predictions: 1, examples: 1, heads: 1, deadLetters: 0 },
    recoveries: [
      { kind: 'kill', what: '', seconds: 3 },
      { kind: 'pause', what: '', seconds: 9 },
      { kind: 'kill', what: '', seconds: 1 },
    ],
    unaskedEnds: [],
    troubles: [],
    counted: { leaderMoves: 0, producesRetried: 0, unknownCommits: 0 },
  };
  const summaryOf = (chaos: Partial<RunResult>) =>
    summarize({
      options: { seed: 1, brokers: 1 },
      plan: planOf(1),
      calm: result,
      chaos: { ...result, ...chaos },
      seconds: 1,
    });

  it('is right without findings', () => {
    expect(isRight(summaryOf({}))).toBe(true);
    expect(summaryOf({})).toMatchObject({
      kills: 2,
      pauses: 1,
      recoverySecondsMedian: 3,
      recoverySecondsWorst: 9,
    });
  });

  it.each<[string, Partial<RunResult>]>([
    ['a lost record', { lost: 1 }],
    ['a duplicate', { duplicates: 1 }],
    ['a record that is wrong', { wrong: 1 }],
    ['another digest', { headDigest: 'ab' }],
    ['no digest', { headDigest: null }],
    ['another set digest', { setDigest: 'cc' }],
    ['examples that add up to something else', { examplesDigest: 'cc' }],
    ['a dead letter', { records: { ...result.records, deadLetters: 1 } }],
    ['a process that ended by itself', { unaskedEnds: [{ name: 'extract-1', code: 1, signal: null }] }],
    ['a process that did not stop in order', { troubles: ['extract-1 ended with 1'] }],
  ])('is not right with %s', (_, damage) => {
    expect(isRight(summaryOf(damage))).toBe(false);
  });
});
