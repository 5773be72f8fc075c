/**
 * `headwater start`: Kafka, the services and a stream of images in one process, from the first line on the terminal
 * to the audit of what the topics hold in the end.
 */
import { asHeadwaterError } from '@headwater/errors';
import { createLifecycle, type Lifecycle, type Logger } from '@headwater/stream';
import { auditRun } from '../audit/audit.ts';
import { interruptible } from '../platform/interruptible.ts';
import { openPlatform, type Platform } from '../platform/platform.ts';
import type { ImageSource } from '../sources/api.ts';
import { createDigitsSource } from '../sources/digits.ts';
import { createFolderSource } from '../sources/folder.ts';
import { createCoalescer } from '../story/coalescer.ts';
import { openCodecs, type StoryCodecs } from '../story/codecs.ts';
import { createIngestClient } from '../story/ingest-client.ts';
import { createRoutes, type RoutesOptions } from '../story/routes.ts';
import { waitForSettledHead } from '../story/settled-head.ts';
import { readStartOffsets } from '../story/start-offsets.ts';
import { runStory } from '../story/story.ts';
import { describeSummary, type Summary, summarize } from '../story/summary.ts';
import { countRefusal, createTally, type Tally } from '../story/tally.ts';
import { createScreen, type Screen } from '../terminal/screen.ts';
import type { Console } from './console.ts';

export interface StartOptions {
  /** Undefined: the digits. */
  readonly folder: string | undefined;
  /** Undefined: 6,000 digits, or all files of the folder. */
  readonly images: number | undefined;
  readonly exit: boolean;
  readonly json: boolean;
  readonly keep: boolean;
  readonly partitions: number | undefined;
  readonly labelShare: number;
  readonly flight: number;
  readonly extractor: string | undefined;
  readonly task: string | undefined;
  readonly dataDir: string | undefined;
}

const defaultDigits = 6000;
/** Milliseconds without a prediction, and from the last one to the settled head. */
const patience = { landing: 120_000, head: 120_000 };

/**
 * Resolves to the exit code: 0, or 1 where the audit found something lost or doubled.
 * Errors: whatever kept the run from its end, the signal's reason among them.
 */
export async function start(options: StartOptions, console: Console): Promise<number> {
  const screen = createScreen({ stream: console.stderr });
  const logger = console.createLogger(screen.say);
  const lifecycle = interruptible(createLifecycle(logger), console.signal);
  try {
    const tally = createTally();
    const source = await openSource(options, tally);
    const platform = await openPlatform(
      {
        ...options,
        environment: console.environment,
        extractor: source.extractor,
        task: source.task,
        throwAway: options.exit,
        logger,
        say: screen.say,
      },
      lifecycle,
    );
    return await run({ options, console, screen, lifecycle, tally, source, platform, logger });
  } finally {
    await lifecycle.close();
  }
}

interface Run {
  readonly options: StartOptions;
  readonly console: Console;
  readonly screen: Screen;
  readonly lifecycle: Lifecycle;
  readonly tally: Tally;
  readonly source: ImageSource;
  readonly platform: Platform;
  readonly logger: Logger;
}

async function openSource(options: StartOptions, tally: Tally): Promise<ImageSource> {
  const { folder, extractor, task } = options;
  if (folder === undefined) {
    return createDigitsSource({ task: task ?? 'digit', extractor: extractor ?? 'lenet-digits.v1' });
  }
  return createFolderSource({
    folder,
    task: task ?? 'label',
    extractor: extractor ?? 'efficientnet-lite0.v1',
    maxBytes: 32 * 1024 * 1024,
    onSkipped: (reason) => countRefusal(tally, reason),
  });
}

async function run(run: Run): Promise<number> {
  const { options, console, screen, platform } = run;
  const failure = new AbortController();
  platform.stopped.catch((error) => failure.abort(error));
  const signal = AbortSignal.any([console.signal, failure.signal]);
  introduce(run);
  const summary = await tellStory(run, signal);
  screen.say(describeSummary(summary));
  const isSound = summary.lost === 0 && summary.duplicates === 0;
  if (!options.exit) {
    if (options.json) console.stdout.write(`${JSON.stringify(summary)}\n`);
    await idle(run, signal);
    return isSound ? 0 : 1;
  }
  const isClosed = await closeAloud(run);
  if (options.json) console.stdout.write(`${JSON.stringify(summary)}\n`);
  return isSound && isClosed ? 0 : 1;
}

/** The summary is printed even where something did not end as it should; the exit code tells. */
async function closeAloud({ lifecycle, screen }: Run): Promise<boolean> {
  try {
    await lifecycle.close();
    return true;
  } catch (error) {
    screen.say(`headwater: ${asHeadwaterError(error).message}`);
    return false;
  }
}

function introduce({ screen, source, platform }: Run): void {
  const { ingest, classify } = platform.urls;
  screen.say(`images and labels: ${ingest}   heads and predictions: ${classify}`);
  if (source.seen.size > 0) {
    screen.say(
      'the net has seen the digits 0–4 only; now 0–9 come in, and labels for some of them a little later',
    );
  }
}

async function tellStory(run: Run, signal: AbortSignal): Promise<Summary> {
  const { options, screen, tally, source, platform } = run;
  const { log, names } = platform;
  const { extractor, task } = source;
  const codecs = await openCodecs(platform.schemaIds, names);
  const start = await readStartOffsets(log.admin, names, extractor);
  const kafka = createCoalescer(await log.openProducer());
  const http = createIngestClient({ url: platform.urls.ingest });
  tally.total = Math.min(
    options.images ?? defaultImages(run),
    options.folder === undefined ? Infinity : source.size,
  );
  const watch = screen.watch(tally);
  try {
    await runStory({
      log,
      names,
      codecs,
      source,
      tally,
      signal,
      routes: openRoutes(run, codecs, { http, kafka }),
      images: tally.total,
      // The digits go on where the last run on this data stopped: heads know the earlier ones.
      first: (start.get(names.topics.images) ?? []).reduce((sum, end) => sum + Number(end), 0),
      labelShare: options.labelShare,
      flight: options.flight,
      patience: patience.landing,
    });
  } finally {
    watch.stop();
    http.close();
    await kafka.close();
  }
  screen.say('all predictions were read; waiting for the settled head …');
  const head = await waitForSettledHead({
    log,
    names,
    codecs,
    extractor,
    task,
    signal,
    patience: patience.head,
  });
  screen.say('auditing the topics …');
  const report = await auditRun({
    log,
    names,
    extractor,
    start,
    decoders: codecs.audit,
    tasks: [task],
    accepted: tally.acceptedIds,
  });
  return summarize({ log: log.kind, source, tally, report, head });
}

function defaultImages({ options, source }: Run): number {
  return options.folder === undefined ? defaultDigits : source.size;
}

function openRoutes(
  { source, platform }: Run,
  codecs: StoryCodecs,
  ways: Pick<RoutesOptions, 'http' | 'kafka'>,
) {
  const { topics } = platform.names;
  return createRoutes({ ...ways, codecs, topics, source: source.name, task: source.task });
}

/** Until somebody ends it, or a part of it fails. */
async function idle({ screen, platform, console }: Run, signal: AbortSignal): Promise<void> {
  const { ingest, classify, admin } = platform.urls;
  screen.say(
    [
      'Everything keeps running; Ctrl-C ends it. Try:',
      `  curl --data-binary @picture.png '${ingest}/v1/images?wait=prediction'`,
      `  heads and predictions  ${classify}`,
      `  metrics and probes     ${admin}/metrics`,
    ].join('\n'),
  );
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  if (!console.signal.aborted) signal.throwIfAborted();
}
