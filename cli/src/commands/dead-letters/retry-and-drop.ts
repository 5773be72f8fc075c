/** `headwater dead-letters retry` and `drop`. */
import { createInterface } from 'node:readline/promises';
import { HeadwaterError } from '@headwater/errors';
import type { Console } from '../../terminal/console.ts';
import { type Cluster, withCluster } from '../cluster-connection.ts';
import {
  countPending,
  dropDeadLetters,
  previewRetry,
  type ResolvingOptions,
  type RetryReport,
  retryDeadLetters,
} from './resolver.ts';
import { type SelectionOptions, topicsOf } from './selection.ts';

export interface RetryOptions extends SelectionOptions {
  readonly dryRun: boolean;
}

export interface DropOptions extends SelectionOptions {
  /** Skips the confirmation. */
  readonly yes: boolean;
}

export async function retry(options: RetryOptions, console: Console): Promise<number> {
  return withCluster(console, async (cluster) => {
    const reports: RetryReport[] = [];
    for (const topic of await topicsOf(options, cluster)) {
      const settling = resolverOptions(options, topic, cluster, console);
      const report = await (options.dryRun ? previewRetry(settling) : retryDeadLetters(settling));
      cluster.progress.end();
      reports.push(report);
      reportRetry(report, options, console);
    }
    const retried = reports.reduce((sum, report) => sum + report.retried, 0);
    if (retried === 0) console.stderr.write('no dead letters to retry\n');
    if (options.json) {
      console.stdout.write(`${JSON.stringify({ dryRun: options.dryRun, retried, topics: reports })}\n`);
    }
    return 0;
  });
}

function reportRetry(
  { topic, retried, erased, unknown }: RetryReport,
  { dryRun }: RetryOptions,
  { stderr }: Console,
): void {
  const parts: string[] = [];
  if (retried > 0) parts.push(`${retried} ${dryRun ? 'would be retried' : 'retried'}`);
  if (erased > 0) {
    parts.push(`${erased} of images that were erased since ${dryRun ? 'would be' : 'are'} dropped`);
  }
  if (unknown > 0) parts.push(`${unknown} skipped: their source record is unknown`);
  if (parts.length > 0) stderr.write(`${topic}: ${parts.join('; ')}\n`);
}

export async function drop(options: DropOptions, console: Console): Promise<number> {
  return withCluster(console, async (cluster) => {
    const all = (await topicsOf(options, cluster)).map((topic) =>
      resolverOptions(options, topic, cluster, console),
    );
    if (!options.yes) await confirm(all, console);
    const reports = [];
    for (const settling of all) reports.push(await dropDeadLetters(settling));
    cluster.progress.end();
    const dropped = reports.reduce((sum, report) => sum + report.dropped, 0);
    console.stderr.write(`${dropped} dead letters dropped\n`);
    if (options.json) console.stdout.write(`${JSON.stringify({ dropped, topics: reports })}\n`);
    return 0;
  });
}

/** Errors: request-invalid without a terminal, or when the answer is no. */
async function confirm(all: readonly ResolvingOptions[], { stderr, signal }: Console): Promise<void> {
  let count = 0;
  for (const settling of all) count += await countPending(settling);
  if (count === 0) return;
  const question = `${count} dead letters would be discarded permanently`;
  if (process.stdin.isTTY !== true) {
    throw new HeadwaterError('request-invalid', `${question}; confirm with --yes`);
  }
  const input = createInterface({ input: process.stdin });
  try {
    stderr.write(`${question}. Type yes to confirm: `);
    const answer = await input.question('', { signal });
    if (answer.trim().toLowerCase() === 'yes') return;
    throw new HeadwaterError('request-invalid', 'nothing was dropped');
  } finally {
    input.close();
  }
}

function resolverOptions(
  { code, key, since, until, limit }: SelectionOptions,
  topic: string,
  { clients, progress }: Cluster,
  { signal }: Console,
): ResolvingOptions {
  const { log, names } = clients;
  const filter = { code, key, since, until };
  return {
    log,
    names,
    topic,
    filter,
    limit,
    signal,
    progress: (done, total) => progress.show({ stage: topic, done, total }),
  };
}
