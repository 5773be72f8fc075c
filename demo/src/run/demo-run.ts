/** A run from its first image to its audit: sends images and labels, waits for the settled head, audits the topics. */
import { openTaskSettings } from '@headwater/classify';
import { createIngestClient } from '@headwater/ingest/client';
import type { Log, Names } from '@headwater/log';
import type { SchemaIds } from '@headwater/schemas';
import { auditRun } from '../audit/audit.ts';
import type { StartOffsets } from '../audit/topic-reader.ts';
import type { ImageSource } from '../sources/image-source.ts';
import type { ServiceConfigs } from '../stack/services.ts';
import type { RunStatistics } from '../statistics/run-statistics.ts';
import { type Summary, summarize } from '../statistics/summary.ts';
import type { Screen } from '../terminal/screen.ts';
import { createBatchingProducer } from './batching-producer.ts';
import { runClosedLoop } from './closed-loop.ts';
import { openCodecs, type RunCodecs } from './codecs.ts';
import { createRoutes } from './routes.ts';
import { waitForSettledHead } from './settled-head.ts';
import { readStartOffsets } from './start-offsets.ts';

export interface DemoRunOptions {
  readonly log: Log;
  readonly names: Names;
  readonly schemaIds: SchemaIds;
  readonly configs: Pick<ServiceConfigs, 'classify'>;
  readonly ingestUrl: string;
  readonly ingestToken: string | undefined;
  readonly source: ImageSource;
  readonly statistics: RunStatistics;
  readonly screen: Screen;
  readonly images: number;
  readonly labelShare: number;
  readonly inFlight: number;
  readonly signal: AbortSignal;
}

/** Milliseconds without a prediction, and from the last one to the settled head. */
const timeouts = { prediction: 120_000, head: 120_000 };

/** Errors: timed-out, service-unavailable, log-unavailable; the signal's reason. */
export async function runDemo(options: DemoRunOptions): Promise<Summary> {
  const { log, names, source, statistics, screen, signal } = options;
  const { extractor, task } = source;
  const codecs = await openCodecs(options.schemaIds, names);
  const [kind] = (await openTaskSettings(options.configs.classify))(task).kinds;
  if (kind === undefined) throw new RangeError('HEADS names no kind');
  const start = await readStartOffsets(log.admin, names, extractor);
  statistics.total = options.images;
  const watch = screen.watch(statistics);
  try {
    await stream(options, codecs, start);
  } finally {
    watch.stop();
  }
  screen.say('all predictions were read; waiting for the settled head …');
  const wait = { log, names, codecs, extractor, task, kind, signal, timeoutMs: timeouts.head };
  const head = await waitForSettledHead(wait);
  screen.say('auditing the topics …');
  const accepted = statistics.acceptedIds;
  const report = await auditRun({
    log,
    names,
    extractor,
    start,
    accepted,
    decoders: codecs.audit,
    tasks: [task],
  });
  return summarize({ log: log.kind, source, statistics, report, head });
}

async function stream(options: DemoRunOptions, codecs: RunCodecs, start: StartOffsets): Promise<void> {
  const { log, names, source } = options;
  const http = createIngestClient({
    url: options.ingestUrl,
    token: options.ingestToken,
    isOwnService: true,
  });
  const kafka = createBatchingProducer(await log.openProducer());
  const { topics } = names;
  try {
    await runClosedLoop({
      ...options,
      codecs,
      routes: createRoutes({ http, kafka, codecs, topics, source: source.name, task: source.task }),
      // Continue after the images of earlier runs on this data: heads have learned from those.
      first: (start.get(topics.images) ?? []).reduce((sum, end) => sum + Number(end), 0),
      timeoutMs: timeouts.prediction,
    });
  } finally {
    http.close();
    await kafka.close();
  }
}
