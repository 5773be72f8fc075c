/**
 * The demo run: Kafka, the services and a stream of images in one process, from the first line on the terminal
 * to the audit of the topics.
 */
import { resolve } from 'node:path';
import { asHeadwaterError } from '@headwater/errors';
import { idOfExtractorFile } from '@headwater/extractor-pipelines';
import { isExtractorFile } from '@headwater/extractors';
import { namedSkips } from '@headwater/ingest';
import type { Logger } from '@headwater/log';
import { createLifecycle, type Environment, type Lifecycle } from '@headwater/service-kit';
import { runDemo } from './run/demo-run.ts';
import { createDigitsSource } from './sources/digits.ts';
import { createFolderSource } from './sources/folder.ts';
import type { ImageSource } from './sources/image-source.ts';
import { interruptible } from './stack/interruptible.ts';
import { type LocalStack, openLocalStack } from './stack/local-stack.ts';
import { countRejection, createRunStatistics, type RunStatistics } from './statistics/run-statistics.ts';
import { describeSummary } from './statistics/summary.ts';
import { createScreen, type Screen, type ScreenStream } from './terminal/screen.ts';

/** The process that the demo runs in. */
export interface DemoHost {
  readonly environment: Environment;
  /** Receives the summary as JSON. */
  readonly stdout: { write(text: string): unknown };
  /** Receives progress and messages. */
  readonly stderr: ScreenStream;
  /** Aborts the run. */
  readonly signal: AbortSignal;
  /** Creates a logger that writes its lines with `say`. Errors: config-invalid. */
  createLogger(say: (line: string) => void): Logger;
}

export interface DemoOptions {
  /** Undefined: the MNIST digits. */
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
  /** Maximum images in flight; undefined: an eighth of the images, 16 to 512. */
  readonly inFlight: number | undefined;
  readonly extractor: string | undefined;
  readonly task: string | undefined;
  readonly dataDir: string | undefined;
}

const defaultDigits = 6000;
const maxFileBytes = 32 * 1024 * 1024;

/**
 * Resolves to the exit code: 0, or 1 where the audit found lost or duplicate records, or a part failed to close.
 * Errors: the first error of the run, or the signal's reason.
 */
export async function startDemo(options: DemoOptions, host: DemoHost): Promise<number> {
  const screen = createScreen({ stream: host.stderr });
  const logger = host.createLogger(screen.say);
  const lifecycle = interruptible(createLifecycle(logger), host.signal);
  try {
    const statistics = createRunStatistics();
    const { file, id } = await namedExtractor(options.extractor);
    const source = await openSource({ ...options, extractor: id }, statistics, screen.say);
    const { extractor, task } = source;
    const { environment } = host;
    const throwAway = options.exit;
    const { say } = screen;
    const stack = await openLocalStack(
      { ...options, environment, extractor, extractorFile: file, task, throwAway, logger, say },
      lifecycle,
    );
    return await run({ options, host, screen, lifecycle, statistics, source, stack });
  } finally {
    // Errors of closing have been logged; they must not hide the first error.
    await lifecycle.close().catch(() => undefined);
  }
}

interface Run {
  readonly options: DemoOptions;
  readonly host: DemoHost;
  readonly screen: Screen;
  readonly lifecycle: Lifecycle;
  readonly statistics: RunStatistics;
  readonly source: ImageSource;
  readonly stack: LocalStack;
}

/** The id of an extractor file names topics and heads. Errors: config-invalid. */
async function namedExtractor(name: string | undefined) {
  const file = name !== undefined && isExtractorFile(name) ? resolve(name) : undefined;
  return { file, id: file === undefined ? name : await idOfExtractorFile(file) };
}

async function openSource(
  options: DemoOptions,
  statistics: RunStatistics,
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
      countRejection(statistics, file.reason);
      sayFirst(`skipped ${file.path}: ${file.reason} ${file.detail ?? ''}`.trim());
    },
    onConflict: sayFirst,
  });
}

async function run(run: Run): Promise<number> {
  const { options, host, screen, stack } = run;
  const failure = new AbortController();
  stack.stopped.catch((error) => failure.abort(error));
  const signal = AbortSignal.any([host.signal, failure.signal]);
  const images = imagesOf(run);
  introduce(run);
  const summary = await runDemo({
    ...run,
    ...stack,
    signal,
    ingestUrl: stack.urls.ingest,
    ingestToken: stack.ingestToken,
    images,
    labelShare: options.labelShare,
    inFlight: options.inFlight ?? defaultInFlight(images),
  });
  screen.say(describeSummary(summary));
  const print = () => {
    if (options.json) host.stdout.write(`${JSON.stringify(summary)}\n`);
  };
  if (!options.exit) {
    print();
    await idle(run, signal);
  }
  const isClosed = await closeAndReport(run);
  if (options.exit) print();
  return isClosed && summary.lost === 0 && summary.duplicates === 0 ? 0 : 1;
}

/** The digits repeat when all were sent; files are sent once. */
function imagesOf({ options, source }: Run): number {
  if (options.folder === undefined) return options.images ?? defaultDigits;
  return Math.min(options.images ?? source.size, source.size);
}

/** Many images in flight make large transactions; few let the first labels reach the head early. */
function defaultInFlight(images: number): number {
  return Math.min(512, Math.max(16, Math.ceil(images / 8)));
}

/** False where closing failed: the summary is printed all the same, and the exit code is 1. */
async function closeAndReport({ lifecycle, screen }: Run): Promise<boolean> {
  try {
    await lifecycle.close();
    return true;
  } catch (error) {
    screen.say(`headwater: ${asHeadwaterError(error).message}`);
    return false;
  }
}

function introduce({ screen, source, stack }: Run): void {
  const { ingest, classify } = stack.urls;
  screen.say(`images and labels: ${ingest}   heads and predictions: ${classify}`);
  if (source.seen.size > 0) {
    screen.say(
      'the net was trained on digits 0–4; the stream has digits 0–9, and labels for some of them follow',
    );
  }
}

/** Resolves on Ctrl-C; rejects when a part fails. */
async function idle({ screen, stack, host }: Run, signal: AbortSignal): Promise<void> {
  const { ingest, classify, admin } = stack.urls;
  screen.say(
    [
      'The services keep running; press Ctrl-C to stop them. Try:',
      `  curl --data-binary @picture.png '${ingest}/v1/images?wait=prediction'`,
      `  heads and predictions  ${classify}`,
      `  metrics and probes     ${admin}/metrics`,
    ].join('\n'),
  );
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  if (!host.signal.aborted) signal.throwIfAborted();
}
