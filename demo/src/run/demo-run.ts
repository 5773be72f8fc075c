/**
 * The run itself: images go in with bounded flight, their predictions are read from Kafka as any consumer would,
 * and only then is the truth told, for a share of them. What the heads learn is never what they were asked before.
 */
import { setMaxListeners } from 'node:events';
import type { Follower, Log, LogRecord, Names } from '@headwater/log';
import type { ImageClassified } from '@headwater/schemas';
import type { ImageSource, SourceImage } from '../sources/api.ts';
import type { RunCodecs } from './codecs.ts';
import { createInFlightLimiter, type InFlightLimiter } from './in-flight-limiter.ts';
import { imageIdOf, type Routes } from './routes.ts';
import { countRejection, type RunStatistics } from './run-statistics.ts';
import { hashFraction } from './sampling.ts';

export interface DemoRunOptions {
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
  /** Images on their way at once. */
  readonly flight: number;
  /** Milliseconds without a landing after which the run is given up. */
  readonly patience: number;
  readonly tally: RunStatistics;
  readonly signal: AbortSignal;
}

/** The truth of an image on its way. */
interface ExpectedLabel {
  readonly label: string | null;
}

/** What the parts of one run share. */
interface Run extends DemoRunOptions {
  readonly air: InFlightLimiter<ExpectedLabel>;
  /** Labels on their way. */
  readonly labelling: Set<Promise<void>>;
  /** Ends the run with that error. */
  readonly fail: (error: unknown) => void;
}

/**
 * Resolves when every image has landed and every label is safe.
 * Errors: timed-out when predictions stop coming, the signal's reason, those of the routes and of the log.
 */
export async function runDemo(options: DemoRunOptions): Promise<void> {
  const failure = new AbortController();
  const run: Run = {
    ...options,
    signal: AbortSignal.any([options.signal, failure.signal]),
    air: createInFlightLimiter(options.flight),
    labelling: new Set(),
    fail: (error) => failure.abort(error),
  };
  // Every request on its way listens to it; the flight bounds their number.
  setMaxListeners(0, run.signal);
  const follower = await followOutcomes(run);
  follower.stopped.catch(run.fail);
  try {
    await follower.caughtUp;
    run.tally.startedAt = performance.now();
    await sendImages(run);
    await run.air.settle(run.patience, run.signal);
    await Promise.all(run.labelling);
    run.signal.throwIfAborted();
  } finally {
    await follower.close();
  }
}

/** Every image departs on its own; the flight's limit is all that holds them back. */
async function sendImages(run: Run): Promise<void> {
  const sending = new Set<Promise<void>>();
  for await (const image of run.source.images(run.images, run.first)) {
    const id = imageIdOf(image);
    await run.air.depart(id, { label: image.label }, run.signal);
    track(sending, sendImage(run, id, image), run.fail);
  }
  await Promise.all(sending);
  run.signal.throwIfAborted();
}

async function sendImage({ routes, air, tally, signal }: Run, id: string, image: SourceImage): Promise<void> {
  const outcome = await routes.sendImage(id, image, signal);
  if (outcome.accepted) {
    tally.accepted++;
    if (outcome.http) tally.acceptedIds.add(outcome.id);
  } else {
    air.land(id);
    countRejection(tally, outcome.reason);
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
      // Labels that cannot keep up hold the predictions back, and these the images.
      await Promise.all(run.labelling);
    },
  });
}

function completeDeadLettered({ air, tally }: Run, { key }: LogRecord): void {
  if (air.land(String(key)) === undefined) return;
  tally.deadLettered++;
  tally.finishedAt = performance.now();
}

async function completePredicted(run: Run, { value }: LogRecord): Promise<void> {
  if (value === null) return;
  const { source, tally } = run;
  const prediction = await run.codecs.predictions.decode(value);
  if (prediction.task !== source.task || prediction.extractor !== source.extractor) return;
  const cargo = run.air.land(prediction.imageId);
  if (cargo === undefined) return;
  tally.predicted++;
  tally.finishedAt = performance.now();
  if (prediction.head !== null) tally.headVersion = Math.max(tally.headVersion ?? 0, prediction.head.version);
  if (cargo.label === null || hashFraction('label', prediction.imageId) >= run.labelShare) return;
  track(run.labelling, sendLabelOf(run, prediction, cargo.label), run.fail);
}

async function sendLabelOf(
  { routes, tally, signal }: Run,
  asked: ImageClassified,
  label: string,
): Promise<void> {
  await routes.sendLabel(asked.imageId, label, signal);
  tally.served.score(asked.label, label);
  tally.labelled++;
}

function track(set: Set<Promise<void>>, work: Promise<void>, fail: (error: unknown) => void): void {
  const tracked = work.catch(fail).finally(() => set.delete(tracked));
  set.add(tracked);
}
