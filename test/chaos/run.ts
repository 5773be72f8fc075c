/** One run of the stream through an installation, with or without faults: sends, drains, stops, reads and checks. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createKafkaLog, createNames, type Log } from '@headwater/log';
import { createFingerprintIds } from '@headwater/schemas';
import { createLogger } from '@headwater/service-kit';
import { openCodecs } from '../../demo/src/run/codecs.ts';
import { waitForSettledHead } from '../../demo/src/run/settled-head.ts';
import { type Judgement, judge } from './audit/check.ts';
import { readTopics } from './audit/reader.ts';
import type { Cluster } from './cluster/cluster.ts';
import { type Counted, createCounters } from './counters.ts';
import { Driver } from './driver.ts';
import type { FaultContext } from './faults/fault.ts';
import { extractor, Site, task } from './installation.ts';
import type { FaultKind } from './options.ts';
import type { Plan } from './plan.ts';
import { followPredictions, type Predictions, secondsToRecover } from './recovery.ts';
import type { Scheduled } from './schedule.ts';
import type { UnexpectedExit } from './supervised.ts';

export interface RunOptions {
  readonly folder: string;
  readonly prefix: string;
  readonly cluster: Cluster;
  readonly plan: Plan;
  readonly bytesOf: (index: number) => Buffer;
  /** One for each burst but the last. */
  readonly schedule: readonly Scheduled[];
  readonly signal: AbortSignal;
  say(text: string): void;
}

export interface RunResult extends Judgement {
  /** Of each fault, in order. */
  readonly recoveries: readonly {
    readonly kind: FaultKind;
    readonly what: string;
    readonly seconds: number;
  }[];
  readonly unaskedEnds: readonly UnexpectedExit[];
  /** Messages about failures other than of records. */
  readonly troubles: readonly string[];
  /** Sums over all processes. */
  readonly counted: Counted;
}

const patienceMs = 120_000;
/** Maximum concurrent faults. */
const mostFaults = 3;

export async function runStream(options: RunOptions): Promise<RunResult> {
  const { folder, prefix, cluster, plan, signal, say } = options;
  const site = new Site({
    folder,
    prefix,
    brokers: cluster.brokers,
    replicas: Math.min(3, cluster.nodes.length),
  });
  const counters = createCounters(site.services);
  const logger = createLogger({ name: 'chaos', level: 'silent' });
  const log = createKafkaLog({ brokers: cluster.brokers }, logger);
  const epoch = Date.now() - 3_600_000;
  try {
    await site.start(signal);
    say('all services are ready');
    const predictions = await followPredictions(log, createNames({ topicPrefix: prefix }));
    const driver = new Driver({ url: site.ingestUrl, task, bytesOf: options.bytesOf, epoch, signal });
    const struck = await stream(options, site, driver, predictions);
    driver.close();
    const images = idsOf(plan, plan.bursts.length);
    say(`all is sent: ${images.size} images, ${driver.sent.length - images.size} labels and repetitions`);
    const troubles = await drain(options, log, images, predictions);
    const recoveries = struck.map(({ kind, what, at, burst }) => ({
      kind,
      what,
      seconds: secondsToRecover(at, idsOf(plan, burst + 1), predictions),
    }));
    await predictions.close();
    const { unaskedEnds } = site;
    const counted = await counters.close();
    troubles.push(...(await site.stop()));
    say('reading all topics with librdkafka');
    const found = await readTopics(cluster.brokers, prefix);
    return {
      ...judge(found, { plan, sent: driver.sent, epoch }),
      recoveries,
      unaskedEnds,
      troubles,
      counted,
    };
  } finally {
    await counters.close();
    await site.destroy();
    await log.close().catch(() => undefined);
  }
}

interface Struck {
  readonly kind: FaultKind;
  readonly what: string;
  /** Monotonic milliseconds. */
  readonly at: number;
  readonly burst: number;
}

/** Sends burst after burst; in each but the last one a fault strikes. */
async function stream(
  options: RunOptions,
  site: Site,
  driver: Driver,
  predictions: Predictions,
): Promise<Struck[]> {
  const { plan, schedule, signal, say, cluster, prefix } = options;
  const topics = topicsOf(prefix);
  const scene: FaultContext = { site, cluster, prefix, topics, signal, alone: createTurns() };
  const struck: Struck[] = [];
  const failures: unknown[] = [];
  const underWay = new Set<Promise<void>>();
  const sending: Promise<void>[] = [];
  const started = performance.now();
  for (const [burst, operations] of plan.bursts.entries()) {
    const sent = driver.send(operations, schedule[burst]?.fault.spreadMs);
    sent.catch((error) => failures.push(error));
    sending.push(sent);
    const scheduled = schedule[burst];
    if (scheduled === undefined) {
      // Without faults the bursts follow each other as fast as they are accepted.
      await sent;
      continue;
    }
    const { fault, afterMs, restMs } = scheduled;
    await sleep(afterMs, undefined, { signal });
    const strike = fault
      .strike(scene, (what) => {
        const at = performance.now();
        struck.push({ kind: fault.kind, what, at, burst });
        const seconds = ((at - started) / 1_000).toFixed(0).padStart(4);
        say(
          `${seconds} s  ${struck.length}/${schedule.length}  ${what} (${predictions.count} images predicted)`,
        );
      })
      .catch((error) => void failures.push(error))
      .finally(() => underWay.delete(strike));
    underWay.add(strike);
    await sleep(restMs, undefined, { signal });
    while (underWay.size >= mostFaults) await Promise.race(underWay);
    if (failures.length > 0) throw failures[0];
  }
  await Promise.all([...sending, ...underWay]);
  if (failures.length > 0) throw failures[0];
  return struck;
}

function topicsOf(prefix: string): string[] {
  const { topics } = createNames({ topicPrefix: prefix });
  const { images, labels, predictions, examples, heads } = topics;
  return [images, labels, topics.vectors(extractor), predictions, examples, heads];
}

/** Of the bursts before `end`. */
export function idsOf(plan: Plan, end: number): Set<string> {
  const operations = plan.bursts.slice(0, end).flat();
  return new Set(operations.filter(({ kind }) => kind === 'image').map(({ imageId }) => imageId));
}

/** Waits until each image has its prediction and a settled head has learned all labels; resolves to the missing ones. */
export async function drain(
  { prefix, signal }: Pick<RunOptions, 'prefix' | 'signal'>,
  log: Log,
  images: ReadonlySet<string>,
  predictions: Predictions,
): Promise<string[]> {
  let [seen, since] = [predictions.count, performance.now()];
  while (predictions.count < images.size) {
    if (predictions.count > seen) [seen, since] = [predictions.count, performance.now()];
    if (performance.now() - since > patienceMs) {
      return [
        `${predictions.count} of ${images.size} images have a prediction, and none came for ${patienceMs / 1_000} s`,
      ];
    }
    await sleep(100, undefined, { signal });
  }
  const names = createNames({ topicPrefix: prefix, groupPrefix: prefix });
  const codecs = await openCodecs(createFingerprintIds(), names);
  try {
    const kind = 'lda';
    await waitForSettledHead({ log, names, codecs, extractor, task, kind, timeoutMs: patienceMs, signal });
    return [];
  } catch (error) {
    signal.throwIfAborted();
    return [(error as Error).message];
  }
}

/** Serializes the faults of each resource that exists once. */
function createTurns(): FaultContext['alone'] {
  const turns = new Map<string, Promise<void>>();
  return (what, work) => {
    const turn = (turns.get(what) ?? Promise.resolve()).then(work);
    turns.set(
      what,
      turn.catch(() => undefined),
    );
    return turn;
  };
}
