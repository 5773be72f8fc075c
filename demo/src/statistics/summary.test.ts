import { describe, expect, it } from 'vitest';
import type { AuditReport } from '../audit/audit.ts';
import type { ImageSource } from '../sources/image-source.ts';
import { createRunStatistics } from './run-statistics.ts';
import { describeSummary, summarize } from './summary.ts';

const source: ImageSource = {
  name: 'digits',
  task: 'digit',
  extractor: 'lenet-digits.v1',
  seen: new Set(['0']),
  size: 10,
  images: () => [],
};

const report: AuditReport = {
  images: 8,
  vectors: 7,
  predictions: 7,
  labels: 4,
  examples: 4,
  deadLetters: 0,
  lost: 1,
  duplicates: 0,
  findings: [{ kind: 'lost', what: 'vector', where: 'images/0/3' }],
};

function finishedTally() {
  const statistics = createRunStatistics();
  Object.assign(statistics, { predicted: 7, startedAt: 1000, finishedAt: 3000 });
  statistics.refused.set('image-unreadable', 2);
  for (const label of ['0', '0', '5', '5']) statistics.served.score('0', label);
  return statistics;
}

describe('a summary', () => {
  it('has the counts, rates and accuracies of the run', () => {
    expect(
      summarize({ log: 'kafka', source, statistics: finishedTally(), report, head: null }),
    ).toMatchObject({
      ...report,
      log: 'kafka',
      refused: { 'image-unreadable': 2 },
      seconds: 2,
      imagesPerSecond: 3.5,
      servedAccuracy: 0.5,
      servedAccuracySeen: 1,
      servedAccuracyUnseen: 0,
      headVersion: null,
      headDigest: null,
      setDigest: null,
    });
  });

  it('omits accuracies of seen classes where these are unknown', () => {
    const own = { ...source, seen: new Set<string>() };
    const summary = summarize({
      log: 'memory',
      source: own,
      statistics: finishedTally(),
      report,
      head: null,
    });
    expect([summary.servedAccuracySeen, summary.servedAccuracyUnseen]).toEqual([null, null]);
    expect(describeSummary(summary)).not.toContain('never seen');
  });

  it('describes lost records with their positions', () => {
    const text = describeSummary(
      summarize({ log: 'kafka', source, statistics: finishedTally(), report, head: null }),
    );
    expect(text).toContain('8 images → 7 vectors → 7 predictions in 2 s (3.5/s)');
    expect(text).toContain('rejected: 2 × image-unreadable');
    expect(text).toContain('1 lost, 0 duplicated');
    expect(text).toContain('lost: vector (images/0/3)');
  });
});
