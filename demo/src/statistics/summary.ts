/** The result of a run, as one JSON object and as a few lines of text. */
import type { HeadTrained } from '@headwater/schemas';
import type { AuditReport } from '../audit/audit.ts';
import type { ImageSource } from '../sources/image-source.ts';
import { imagesPerSecondOf, type RunStatistics, secondsOf } from './run-statistics.ts';
import type { Accuracy } from './served-accuracy.ts';

/** The object that `--json` prints. Counts are read back from the topics; accuracies are null before the first label. */
export interface Summary extends AuditReport {
  readonly log: 'kafka' | 'memory';
  readonly source: string;
  readonly extractor: string;
  readonly task: string;
  /** Rejected files or images: reason to number. */
  readonly refused: Readonly<Record<string, number>>;
  /** From the first image sent to the last prediction read. */
  readonly seconds: number;
  readonly imagesPerSecond: number;
  /** Published predictions against the first label, over the last 500 labels. */
  readonly servedAccuracy: number | null;
  /** The same for classes that the extractor's net was trained on; null where these are unknown. */
  readonly servedAccuracySeen: number | null;
  readonly servedAccuracyUnseen: number | null;
  /** Labels for images that were classified before the first head. */
  readonly unanswered: number;
  /** Of the settled head that has learned all examples; null when there was nothing to learn. */
  readonly headVersion: number | null;
  readonly headDigest: string | null;
  readonly setDigest: string | null;
}

interface SummaryParts {
  readonly log: 'kafka' | 'memory';
  readonly source: ImageSource;
  readonly statistics: RunStatistics;
  readonly report: AuditReport;
  readonly head: HeadTrained | null;
}

export function summarize({ log, source, statistics, report, head }: SummaryParts): Summary {
  const { served } = statistics;
  const hasSeen = source.seen.size > 0;
  return {
    log,
    source: source.name,
    extractor: source.extractor,
    task: source.task,
    images: report.images,
    vectors: report.vectors,
    predictions: report.predictions,
    labels: report.labels,
    examples: report.examples,
    deadLetters: report.deadLetters,
    lost: report.lost,
    duplicates: report.duplicates,
    refused: Object.fromEntries([...statistics.refused].sort()),
    seconds: round(secondsOf(statistics), 2),
    imagesPerSecond: round(imagesPerSecondOf(statistics), 1),
    servedAccuracy: share(served.last),
    servedAccuracySeen: hasSeen ? share(served.among(source.seen, true)) : null,
    servedAccuracyUnseen: hasSeen ? share(served.among(source.seen, false)) : null,
    unanswered: served.unanswered,
    headVersion: head?.version ?? null,
    headDigest: head?.digest ?? null,
    setDigest: head?.setDigest ?? null,
    findings: report.findings,
  };
}

/** A few lines of text. */
export function describeSummary(summary: Summary): string {
  const { imagesPerSecond, seconds, headVersion, headDigest } = summary;
  const refused = Object.entries(summary.refused).map(([reason, count]) => `${count} × ${reason}`);
  return [
    '',
    `${summary.images} images → ${summary.vectors} vectors → ${summary.predictions} predictions in ${seconds} s (${imagesPerSecond}/s)`,
    `${summary.labels} labels → ${summary.examples} examples → ${headVersion === null ? 'no head' : `head ${headVersion} (${headDigest?.slice(0, 12)}…)`}`,
    `served accuracy over the last labels: ${percent(summary.servedAccuracy)}`,
    ...(summary.servedAccuracySeen === null && summary.servedAccuracyUnseen === null
      ? []
      : [
          `  classes the net was trained on (0–4): ${percent(summary.servedAccuracySeen)}; classes it was not trained on (5–9): ${percent(summary.servedAccuracyUnseen)}`,
        ]),
    ...(refused.length === 0 ? [] : [`rejected: ${refused.join(', ')}`]),
    `audit of the topics: ${summary.lost} lost, ${summary.duplicates} duplicated, ${summary.deadLetters} dead letters`,
    ...summary.findings.map(({ kind, what, where }) => `  ${kind}: ${what} (${where})`),
    '',
  ].join('\n');
}

function share({ accuracy }: Accuracy): number | null {
  return accuracy === null ? null : round(accuracy, 4);
}

function percent(accuracy: number | null): string {
  return accuracy === null ? 'unknown' : `${(accuracy * 100).toFixed(1)} %`;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
