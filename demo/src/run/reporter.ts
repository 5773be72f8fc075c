/** A run from its first image to its audit: send, wait for the settled head, read everything back. */
import { openTaskSettings } from '@headwater/classify';
import type { Log, Names } from '@headwater/log';
import type { SchemaIds } from '@headwater/schemas';
import { auditRun } from '../audit/audit.ts';
import type { StartOffsets } from '../audit/topic-reader.ts';
import type { ServiceConfigs } from '../platform/services.ts';
import type { ImageSource } from '../sources/api.ts';
import type { Screen } from '../terminal/screen.ts';
import { createBatchingProducer } from './coalescer.ts';
import { openCodecs, type RunCodecs } from './codecs.ts';
import { runDemo } from './demo-run.ts';
import { createIngestClient } from './ingest-client.ts';
import { createRoutes } from './routes.ts';
import type { RunStatistics } from './run-statistics.ts';
import { waitForSettledHead } from './settled-head.ts';
import { readStartOffsets } from './start-offsets.ts';
import { type Summary, summarize } from './summary.ts';

export interface ReporterOptions {
  readonly log: Log;
  readonly names: Names;
  readonly schemaIds: SchemaIds;
  readonly configs: Pick<ServiceConfigs, 'classify'>;
  readonly ingestUrl: string;
  readonly ingestToken: string | undefined;
  readonly source: ImageSource;
  readonly tally: RunStatistics;
  readonly screen: Screen;
  readonly images: number;
  readonly labelShare: number;
  readonly flight: number;
  readonly signal: AbortSignal;
}

/** Milliseconds without a prediction, and from the last one to the settled head. */
const patience = { landing: 120_000, head: 120_000 };

/** Errors: timed-out, service-unavailable, log-unavailable; the signal's reason. */
export async function runAndReport(options: ReporterOptions): Promise<Summary> {
  const { log, names, source, tally, screen, signal } = options;
  const { extractor, task } = source;
  const codecs = await openCodecs(options.schemaIds, names);
  const [kind] = (await openTaskSettings(options.configs.classify))(task).kinds;
  if (kind === undefined) throw new RangeError('HEADS names no kind');
  const start = await readStartOffsets(log.admin, names, extractor);
  tally.total = options.images;
  const watch = screen.watch(tally);
  try {
    await stream(options, codecs, start);
  } finally {
    watch.stop();
  }
  screen.say('all predictions were read; waiting for the settled head …');
  const wait = { log, names, codecs, extractor, task, kind, signal, patience: patience.head };
  const head = await waitForSettledHead(wait);
  screen.say('auditing the topics …');
  const accepted = tally.acceptedIds;
  const report = await auditRun({
    log,
    names,
    extractor,
    start,
    accepted,
    decoders: codecs.audit,
    tasks: [task],
  });
  return summarize({ log: log.kind, source, tally, report, head });
}

async function stream(options: ReporterOptions, codecs: RunCodecs, start: StartOffsets): Promise<void> {
  const { log, names, source } = options;
  const http = createIngestClient({
    url: options.ingestUrl,
    token: options.ingestToken,
    isOwnService: true,
  });
  const kafka = createBatchingProducer(await log.openProducer());
  const { topics } = names;
  try {
    await runDemo({
      ...options,
      codecs,
      routes: createRoutes({ http, kafka, codecs, topics, source: source.name, task: source.task }),
      // The digits go on where the last run on this data stopped: heads know the earlier ones.
      first: (start.get(topics.images) ?? []).reduce((sum, end) => sum + Number(end), 0),
      patience: patience.landing,
    });
  } finally {
    http.close();
    await kafka.close();
  }
}
