/**
 * `headwater start`: Kafka, the services and a stream of images in one process, from the first line on the terminal
 * to the audit of what the topics hold in the end.
 */
import { resolve } from 'node:path';
import type { ImageSource } from '@headwater/demo';
import {
  countRejection,
  createDigitsSource,
  createFolderSource,
  createRunStatistics,
  createScreen,
  describeSummary,
  interruptible,
  type LocalStack,
  openLocalStack,
  type RunStatistics,
  runAndReport,
  type Screen,
} from '@headwater/demo';
import { asHeadwaterError } from '@headwater/errors';
import { idOfExtractorFile } from '@headwater/extractor-pipelines';
import { isExtractorFile } from '@headwater/extractors';
import { namedSkips } from '@headwater/ingest';
import { createLifecycle, type Lifecycle } from '@headwater/service-kit';
import type { Console } from '../terminal/console.ts';

export interface StartOptions {
  /** Undefined: the digits. */
  readonly folder: string | undefined;
  /** Undefined: 6,000 digits, or all files of the folder. */
  readonly images: number | undefined;
  readonly exit: boolean;
  readonly json: boolean;
  readonly keep: boolean;
  readonly partitions: number | undefined;
  /** Undefined: one. */
  readonly brokers: number | undefined;
  readonly labelShare: number;
  /** Undefined: an eighth of the images, but 16 to 512. */
  readonly flight: number | undefined;
  readonly extractor: string | undefined;
  readonly task: string | undefined;
  readonly dataDir: string | undefined;
}

const defaultDigits = 6000;
const maxFileBytes = 32 * 1024 * 1024;

/**
 * Resolves to the exit code: 0, or 1 where the audit found something lost or doubled, or something did not end well.
 * Errors: whatever kept the run from its end, the signal's reason among them.
 */
export async function start(options: StartOptions, console: Console): Promise<number> {
  const screen = createScreen({ stream: console.stderr });
  const logger = console.createLogger(screen.say);
  const lifecycle = interruptible(createLifecycle(logger), console.signal);
  try {
    const tally = createRunStatistics();
    const { file, id } = await namedExtractor(options.extractor);
    const source = await openSource({ ...options, extractor: id }, tally, screen.say);
    const { extractor, task } = source;
    const { environment } = console;
    const throwAway = options.exit;
    const { say } = screen;
    const platform = await openLocalStack(
      { ...options, environment, extractor, extractorFile: file, task, throwAway, logger, say },
      lifecycle,
    );
    return await run({ options, console, screen, lifecycle, tally, source, platform });
  } finally {
    // What does not end as it should has been logged, and must not hide why we are here.
    await lifecycle.close().catch(() => undefined);
  }
}

interface Run {
  readonly options: StartOptions;
  readonly console: Console;
  readonly screen: Screen;
  readonly lifecycle: Lifecycle;
  readonly tally: RunStatistics;
  readonly source: ImageSource;
  readonly platform: LocalStack;
}

/** Topics and heads are called by the id that a file states. Errors: config-invalid. */
async function namedExtractor(name: string | undefined) {
  const file = name !== undefined && isExtractorFile(name) ? resolve(name) : undefined;
  return { file, id: file === undefined ? name : await idOfExtractorFile(file) };
}

async function openSource(
  options: StartOptions,
  tally: RunStatistics,
  say: (line: string) => void,
): Promise<ImageSource> {
  const { folder, extractor, task } = options;
  if (folder === undefined) {
    return createDigitsSource({ task: task ?? 'digit', extractor: extractor ?? 'lenet-digits.v1' });
  }
  let left = namedSkips;
  const sayFirst = (line: string) => {
    if (left > 0) say(line);
    left -= 1;
  };
  return createFolderSource({
    folder,
    task: task ?? 'label',
    extractor: extractor ?? 'efficientnet-lite0.v1',
    maxBytes: maxFileBytes,
    onSkipped: (file) => {
      countRejection(tally, file.reason);
      sayFirst(`passed over ${file.path}: ${file.reason} ${file.detail ?? ''}`.trim());
    },
    onConflict: sayFirst,
  });
}

async function run(run: Run): Promise<number> {
  const { options, console, screen, platform } = run;
  const failure = new AbortController();
  platform.stopped.catch((error) => failure.abort(error));
  const signal = AbortSignal.any([console.signal, failure.signal]);
  const images = imagesOf(run);
  introduce(run);
  const summary = await runAndReport({
    ...run,
    ...platform,
    signal,
    ingestUrl: platform.urls.ingest,
    ingestToken: platform.ingestToken,
    images,
    labelShare: options.labelShare,
    flight: options.flight ?? defaultInFlight(images),
  });
  screen.say(describeSummary(summary));
  const print = () => {
    if (options.json) console.stdout.write(`${JSON.stringify(summary)}\n`);
  };
  if (!options.exit) {
    print();
    await idle(run, signal);
  }
  const isClosed = await closeAndReport(run);
  if (options.exit) print();
  return isClosed && summary.lost === 0 && summary.duplicates === 0 ? 0 : 1;
}

/** The digits start over when all were sent; files are sent once. */
function imagesOf({ options, source }: Run): number {
  if (options.folder === undefined) return options.images ?? defaultDigits;
  return Math.min(options.images ?? source.size, source.size);
}

/** Large transactions want many images on their way, a head that learns from the first ones wants few. */
function defaultInFlight(images: number): number {
  return Math.min(512, Math.max(16, Math.ceil(images / 8)));
}

/** The summary is printed even where something did not end as it should; the exit code tells. */
async function closeAndReport({ lifecycle, screen }: Run): Promise<boolean> {
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
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  if (!console.signal.aborted) signal.throwIfAborted();
}
