/**
 * A closed-loop load generator: it sends images with a limit on those in flight, reads their predictions from
 * Kafka as any consumer would, and then sends the true label of a share of them. So each image is predicted
 * before its label is learned.
 */
import { setMaxListeners } from 'node:events';
import type { Follower, Log, LogRecord, Names } from '@headwater/log';
import type { ImageClassified } from '@headwater/schemas';
import { type ImageSource, imageIdOf, type SourceImage } from '../sources/image-source.ts';
import { countRejection, type RunStatistics } from '../statistics/run-statistics.ts';
import type { RunCodecs } from './codecs.ts';
import { hashFraction } from './hash-fraction.ts';
import { createInFlightLimiter, type InFlightLimiter } from './in-flight-limiter.ts';
import type { Routes } from './routes.ts';

export interface ClosedLoopOptions {
  readonly log: Pick<Log, 'follow'>;
  readonly names: Names;
  readonly codecs: Pick<RunCodecs, 'predictions'>;
  readonly routes: Routes;
  readonly source: ImageSource;
  /** How many images to send. */
  readonly images: number;
  /** How many were sent before, in earlier runs on the same data. */
  readonly first?: number;
  /** The share of the images that get a label, 0 … 1. */
  readonly labelShare: number;
  /** Maximum images in flight. */
  readonly inFlight: number;
  /** Milliseconds without a prediction or dead letter after which the run fails. */
  readonly timeoutMs: number;
  readonly statistics: RunStatistics;
  readonly signal: AbortSignal;
}

/** The true label of an image in flight. */
interface ExpectedLabel {
  readonly label: string | null;
}

/** State of one run. */ interface Run extends Omit<ClosedLoopOptions, 'inFlight'> {
  readonly inFlight: InFlightLimiter<ExpectedLabel>;
  /** Labels in flight. */
  readonly labelling: Set<Promise<void>>;
  /** Ends the run with that error. */
  readonly fail: (error: unknown) => void;
}

/**
 * Resolves when every image has a prediction or a dead letter, and every label is acknowledged.
 * Errors: timed-out when predictions stop coming, the signal's reason, those of the routes and of the log.
 */
export async function runClosedLoop(options: ClosedLoopOptions): Promise<void> {
  const failure = new AbortController();
  const run: Run = {
    ...options,
    signal: AbortSignal.any([options.signal, failure.signal]),
    inFlight: createInFlightLimiter(options.inFlight),
    labelling: new Set(),
    fail: (error) => failure.abort(error),
  };
  // Each request in flight listens to the signal; the limiter bounds their number.
  setMaxListeners(0, run.signal);
  const follower = await followOutcomes(run);
  follower.stopped.catch(run.fail);
  try {
    await follower.caughtUp;
    run.statistics.startedAt = performance.now();
    await sendImages(run);
    await run.inFlight.drained(run.timeoutMs, run.signal);
    await Promise.all(run.labelling);
    run.signal.throwIfAborted();
  } finally {
    await follower.close();
  }
}

/** Sends images concurrently; the limiter alone holds them back. */
async function sendImages(run: Run): Promise<void> {
  const sending = new Set<Promise<void>>();
  for await (const image of run.source.images(run.images, run.first)) {
    const id = imageIdOf(image);
    await run.inFlight.acquire(id, { label: image.label }, run.signal);
    track(sending, sendImage(run, id, image), run.fail);
  }
  await Promise.all(sending);
  run.signal.throwIfAborted();
}

async function sendImage(
  { routes, inFlight, statistics, signal }: Run,
  id: string,
  image: SourceImage,
): Promise<void> {
  const outcome = await routes.sendImage(id, image, signal);
  if (outcome.accepted) {
    statistics.accepted++;
    if (outcome.http) statistics.acceptedIds.add(outcome.id);
  } else {
    inFlight.release(id);
    countRejection(statistics, outcome.reason);
  }
}

function followOutcomes(run: Run): Promise<Follower> {
  const { topics } = run.names;
  const dead = [topics.images, topics.vectors(run.source.extractor)].map(topics.deadLetters);
  return run.log.follow({
    topics: [topics.predictions, ...dead],
    from: 'end',
    async onRecords(records) {
      for (const record of records) {
        if (record.topic === topics.predictions) await completePredicted(run, record);
        else completeDeadLettered(run, record);
      }
      // Slow labels delay reading predictions, which in turn delays sending images.
      await Promise.all(run.labelling);
    },
  });
}

function completeDeadLettered({ inFlight, statistics }: Run, { key }: LogRecord): void {
  if (inFlight.release(String(key)) === undefined) return;
  statistics.deadLettered++;
  statistics.finishedAt = performance.now();
}

async function completePredicted(run: Run, { value }: LogRecord): Promise<void> {
  if (value === null) return;
  const { source, statistics } = run;
  const prediction = await run.codecs.predictions.decode(value);
  if (prediction.task !== source.task || prediction.extractor !== source.extractor) return;
  const expected = run.inFlight.release(prediction.imageId);
  if (expected === undefined) return;
  statistics.predicted++;
  statistics.finishedAt = performance.now();
  if (prediction.head !== null)
    statistics.headVersion = Math.max(statistics.headVersion ?? 0, prediction.head.version);
  if (expected.label === null || hashFraction('label', prediction.imageId) >= run.labelShare) return;
  track(run.labelling, sendLabelOf(run, prediction, expected.label), run.fail);
}

async function sendLabelOf(
  { routes, statistics, signal }: Run,
  prediction: ImageClassified,
  label: string,
): Promise<void> {
  await routes.sendLabel(prediction.imageId, label, signal);
  statistics.served.score(prediction.label, label);
  statistics.labelled++;
}

function track(set: Set<Promise<void>>, work: Promise<void>, fail: (error: unknown) => void): void {
  const tracked = work.catch(fail).finally(() => set.delete(tracked));
  set.add(tracked);
}
