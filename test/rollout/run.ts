/** The stream through replicas that are restarted and scaled, and the checks after it. */
import { createKafkaLog, createNames } from '@headwater/log';
import { createLogger } from '@headwater/service-kit';
import { eventually } from '@headwater/testing/eventually';
import { type Judgement, judge } from '../chaos/audit/check.ts';
import { readTopics } from '../chaos/audit/reader.ts';
import type { Cluster } from '../chaos/cluster/cluster.ts';
import { Driver } from '../chaos/driver.ts';
import { Site, task } from '../chaos/installation.ts';
import type { Plan } from '../chaos/plan.ts';
import { followPredictions, type Predictions } from '../chaos/recovery.ts';
import { drain, idsOf } from '../chaos/run.ts';
import type { UnexpectedExit } from '../chaos/supervised.ts';
import { type ReadCounts, Reader } from './reads.ts';
import { environment, Replicas } from './replicas.ts';

export interface RolloutRun {
  readonly folder: string;
  readonly prefix: string;
  readonly cluster: Cluster;
  readonly plan: Plan;
  readonly bytesOf: (index: number) => Buffer;
  /** The built checkout of another version. */
  readonly from: string | undefined;
  readonly checkout: string;
  readonly signal: AbortSignal;
  say(text: string): void;
}

export interface Phase {
  readonly name: string;
  readonly seconds: number;
  /** Longest time without a new prediction in this phase. */
  readonly longestPauseSeconds: number;
}

export interface RolloutResult extends Judgement {
  readonly phases: readonly Phase[];
  readonly writes: number;
  /** Attempts that were not accepted. */
  readonly writeErrors: number;
  readonly reads: ReadCounts;
  /** Requests that the balancer could not forward. */
  readonly balancerFailures: number;
  readonly unaskedEnds: readonly UnexpectedExit[];
  readonly troubles: readonly string[];
}

const burstMs = 2_000;

export async function runRollout(options: RolloutRun): Promise<RolloutResult> {
  const { folder, prefix, cluster, plan, signal, from, checkout, say } = options;
  const site = new Site({
    folder,
    prefix,
    brokers: cluster.brokers,
    replicas: cluster.nodes.length,
    environment,
    checkout: from ?? checkout,
  });
  const log = createKafkaLog(
    { brokers: cluster.brokers },
    createLogger({ name: 'rollout', level: 'silent' }),
  );
  const epoch = Date.now() - 3_600_000;
  let replicas: Replicas | undefined;
  let reader: Reader | undefined;
  try {
    replicas = await Replicas.start(site, signal);
    say('all replicas are ready');
    const predictions = await followPredictions(log, createNames({ topicPrefix: prefix }));
    const driver = new Driver({ url: replicas.ingestUrl, task, bytesOf: options.bytesOf, epoch, signal });
    const stream = startStream(driver, plan);
    await Promise.race([untilServing(replicas.classifyUrl, signal), stream.ended]);
    reader = new Reader(createReads(replicas, driver));
    const phases = await Promise.race([runPhases(options, replicas, predictions), stream.failed]);
    await stream.finish();
    driver.close();
    const reads = await reader.close();
    say('all is sent');
    const troubles = await drain(options, log, idsOf(plan, plan.bursts.length), predictions);
    await predictions.close();
    const { unaskedEnds } = site;
    const { failures: balancerFailures } = replicas;
    troubles.push(...(await site.stop()));
    say('reading all topics with librdkafka');
    const found = await readTopics(cluster.brokers, prefix);
    return {
      ...judge(found, { plan, sent: driver.sent, epoch }),
      phases,
      writes: driver.sent.length,
      writeErrors: driver.sent.reduce((sum, { attempts }) => sum + attempts - 1, 0),
      reads,
      balancerFailures,
      unaskedEnds,
      troubles,
    };
  } finally {
    await reader?.close();
    await site.destroy();
    await replicas?.close();
    await log.close().catch(() => undefined);
  }
}

/** Sends a burst every two seconds, until `finish`, which sends the rest at once. */
function startStream(driver: Driver, plan: Plan) {
  let isHurried = false;
  const ended = (async () => {
    for (const burst of plan.bursts) await driver.send(burst, isHurried ? 0 : burstMs);
  })();
  const failed = ended.then(() => new Promise<never>(() => undefined));
  failed.catch(() => undefined);
  return {
    ended,
    /** Rejects when sending fails; never resolves. */
    failed,
    finish: () => {
      isHurried = true;
      return ended;
    },
  };
}

/** Until a head serves the task: before, its routes have nothing to answer. */
async function untilServing(url: string, signal: AbortSignal): Promise<void> {
  await eventually(async () => {
    signal.throwIfAborted();
    const response = await fetch(new URL(`/v1/tasks/${task}/head`, url)).catch(() => undefined);
    return response?.ok;
  });
}

/** The routes that any client reads, in turns: tasks, the task, its head, and an image that was accepted. */
function createReads(replicas: Replicas, driver: Driver): () => URL | undefined {
  const paths = ['/v1/tasks', `/v1/tasks/${task}`, `/v1/tasks/${task}/head`, `/v1/tasks/${task}/heads`];
  let turn = 0;
  return () => {
    turn += 1;
    const index = turn % (paths.length + 1);
    const path = paths[index];
    if (path !== undefined) return new URL(path, replicas.classifyUrl);
    const images = driver.sent.filter(({ operation }) => operation.kind === 'image');
    const image = images[turn % Math.max(1, images.length)];
    return image && new URL(`/v1/images/${image.operation.imageId}`, replicas.ingestUrl);
  };
}

async function runPhases(
  { from, checkout, say }: RolloutRun,
  replicas: Replicas,
  predictions: Predictions,
): Promise<Phase[]> {
  const phases: Phase[] = [];
  const run = async (name: string, work: () => Promise<void>) => {
    say(name);
    const began = performance.now();
    const pauses = watchPauses(predictions);
    await work();
    const seconds = Math.round((performance.now() - began) / 100) / 10;
    phases.push({ name, seconds, longestPauseSeconds: pauses.stop() });
  };
  const rollAll = async (to: string | undefined) => {
    for (const service of ['ingest', 'extract', 'classify'] as const) {
      const version = to === undefined ? '' : to === checkout ? ' to this version' : ' to the other version';
      await run(`roll ${service}${version}`, () => replicas.roll(service, to));
    }
  };
  if (from !== undefined) for (const to of [checkout, from, checkout]) await rollAll(to);
  else await rollAll(undefined);
  for (const service of ['extract', 'classify'] as const) {
    await run(`scale ${service} from 3 to 1`, async () => {
      for (const process of replicas.of(service).slice(1)) await replicas.remove(process);
    });
    await run(`scale ${service} from 1 to 3`, async () => {
      await Promise.all([replicas.add(service), replicas.add(service)]);
    });
  }
  return phases;
}

/** Longest time between two new predictions, in seconds. */
function watchPauses(predictions: Predictions) {
  let [count, since, longest] = [predictions.count, performance.now(), 0];
  const look = () => {
    const now = performance.now();
    longest = Math.max(longest, now - since);
    if (predictions.count > count) [count, since] = [predictions.count, now];
  };
  const timer = setInterval(look, 50);
  return {
    stop: () => {
      clearInterval(timer);
      look();
      return Math.round(longest / 100) / 10;
    },
  };
}
