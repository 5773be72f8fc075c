/** `npm run overload`: sends more images than the services can process, and checks memory, losses and duplicates. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalKafka, startLocalKafka } from '@headwater/local-kafka';
import { createKafkaLog, type Log, type Names } from '@headwater/log';
import { commonEnvironment, createLogger, kafkaOptions, loadConfig, namesOf } from '@headwater/service-kit';
import sharp from 'sharp';
import { killAll, type ServiceProcess, startService, type Variables } from '../processes.ts';
import { createProgressLog, runTrial } from '../trial.ts';
import { balance, lagOf } from './delivery-check.ts';
import { type FloodReport, flood } from './flood.ts';
import { type MemoryReport, watchMemory } from './memory-watch.ts';
import { help, type OverloadOptions, readOptions } from './options.ts';

const mebibyte = 1024 * 1024;
/** Limits of each process: memory at any time, and its growth during the flood. */
const bounds = {
  peakBytes: { ingest: 768 * mebibyte, extract: 1024 * mebibyte, classify: 768 * mebibyte },
  growthBytes: 128 * mebibyte,
} as const;
type Name = keyof typeof bounds.peakBytes;

const calibration = { warm: 60, images: 240 };
/** Time for which the lag is watched afterwards. */
const drainSeconds = 20;
const say = createProgressLog('overload');

/** Resolves to the exit code. */
export function main(args: readonly string[]): Promise<number> {
  return runTrial({ help, readOptions, run, isRight: ({ ok }) => ok }, args);
}

interface Site {
  readonly kafka: LocalKafka;
  readonly services: Readonly<Record<Name, ServiceProcess>>;
  readonly log: Log;
  readonly names: Names;
}

async function run(options: OverloadOptions, signal: AbortSignal) {
  const folder = await mkdtemp(join(tmpdir(), 'headwater-overload-'));
  say('starting Apache Kafka and the services');
  const kafka = await startLocalKafka({ dataDir: join(folder, 'kafka') });
  try {
    const site = await openSite(kafka, folder, options.extractor);
    return await overload(site, options, signal).finally(() => site.log.close());
  } finally {
    killAll();
    await kafka.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function openSite(kafka: LocalKafka, folder: string, extractor: string): Promise<Site> {
  const variables: Variables = {
    KAFKA_BROKERS: kafka.brokers.join(),
    DATA_DIR: join(folder, 'state'),
    EXTRACTOR: extractor,
    EXTRACTORS: extractor,
    TASKS: 'animal',
    PARTITIONS: '4',
    // Fewer than the flood has in flight, so that some requests get 503.
    MAX_IN_FLIGHT_REQUESTS: '400',
  };
  const [ingest, extract, classify] = await Promise.all([
    startService('ingest', variables),
    startService('extract', variables),
    startService('classify', variables),
  ]);
  const config = loadConfig(commonEnvironment, variables);
  const log = createKafkaLog(kafkaOptions(config), createLogger({ name: 'overload', level: 'fatal' }));
  return { kafka, services: { ingest, extract, classify }, log, names: namesOf(config) };
}

async function overload(site: Site, options: OverloadOptions, signal: AbortSignal) {
  const { extractor, factor, seconds } = options;
  const bodies = await photographs(20);
  const capacity = await measureCapacity(site, options, bodies, signal);
  const perSecond = Math.ceil(capacity * factor);
  say(`the extractor takes ${capacity.toFixed(1)} images/s; sending ${perSecond}/s for ${seconds} s`);
  const { ingest, extract, classify } = site.services;
  const memory = watchMemory({ ingest: ingest.pid, extract: extract.pid, classify: classify.pid });
  const stalled = stall(site.kafka, options, signal);
  const sent = await flood({ url: ingest.url, bodies, prefix: 'flood', perSecond, seconds, signal });
  await stalled;
  const resident = memory.end();
  signal.throwIfAborted();
  tell(sent, resident);
  const lag = await watchLag(site, extractor, signal);
  say(`records that wait: ${lag.join(', ')}`);
  extract.send('SIGTERM');
  await extract.ended;
  const books = await balance(site.log, site.names, extractor, sent.accepted);
  const findings = judge({ sent, resident, lag, books, perSecond, seconds });
  for (const finding of findings) say(`finding: ${finding}`);
  return {
    ok: findings.length === 0,
    findings,
    capacityPerSecond: round(capacity),
    offeredPerSecond: round(sent.offered / seconds),
    sentPerSecond: round((sent.offered - sent.skipped) / seconds),
    factorSent: round((sent.offered - sent.skipped) / seconds / capacity),
    accepted: sent.accepted.length,
    refused: sent.refused,
    withoutRetryAfter: sent.withoutRetryAfter,
    skipped: sent.skipped,
    lag,
    ...books,
    bounds,
    memory: resident,
  };
}

const round = (value: number) => Math.round(value * 10) / 10;

/** Images that cost a decoder as much as photographs: 500 × 375, about 25 KB. */
async function photographs(count: number): Promise<Buffer[]> {
  const pictures: Buffer[] = [];
  for (let index = 0; index < count; index += 1) {
    const [width, height] = [500, 375];
    const pixels = Uint8Array.from({ length: width * height * 3 }, (_, at) => {
      const [x, y] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width)];
      const wave = Math.sin((x * (index + 3)) / 40) + Math.cos((y * (index + 5)) / 30) + (at % 3) / 2;
      return 128 + 45 * wave + ((at * 2_654_435_761) >>> 28);
    });
    pictures.push(
      await sharp(pixels, { raw: { width, height, channels: 3 } })
        .jpeg({ quality: 75 })
        .toBuffer(),
    );
  }
  return pictures;
}

/** Images a second from the log to vectors, without other load. */
async function measureCapacity(
  { services, log, names }: Site,
  { extractor }: OverloadOptions,
  bodies: readonly Buffer[],
  signal: AbortSignal,
): Promise<number> {
  const worked = async (prefix: string, count: number) => {
    const request = { url: services.ingest.url, bodies, signal, perSecond: count * 2, seconds: 0.5 };
    await flood({ ...request, prefix });
    const begun = performance.now();
    const before = await lagOf(log, names, extractor);
    for (;;) {
      signal.throwIfAborted();
      const left = await lagOf(log, names, extractor);
      if (left === 0) return before / ((performance.now() - begun) / 1_000);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await worked('warm', calibration.warm);
  return worked('calm', calibration.images);
}

/** Pauses the broker's process during the flood: connections stay open without responses. */
async function stall(
  { pid }: LocalKafka,
  { seconds, stall: held }: OverloadOptions,
  signal: AbortSignal,
): Promise<void> {
  if (held === 0) return;
  await pause((seconds / 2) * 1_000, signal);
  process.kill(pid, 'SIGSTOP');
  say(`the broker stands still for ${held} s`);
  try {
    await pause(held * 1_000, signal);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Lag in records, at the end of the flood and a few times after it. */
async function watchLag({ log, names }: Site, extractor: string, signal: AbortSignal): Promise<number[]> {
  const lag: number[] = [await lagOf(log, names, extractor)];
  for (let left = 4; left > 0; left -= 1) {
    await pause((drainSeconds / 4) * 1_000, signal);
    lag.push(await lagOf(log, names, extractor));
  }
  return lag;
}

function tell(sent: FloodReport, resident: Readonly<Record<string, MemoryReport>>): void {
  const refused = Object.entries(sent.refused).map(([status, count]) => `${count} × ${status}`);
  say(
    `${sent.accepted.length} accepted, ${refused.join(', ') || 'none'} refused, ${sent.skipped} could not be sent`,
  );
  const mib = (bytes: number) => Math.round(bytes / mebibyte);
  for (const [name, { earlyBytes, lateBytes, peakBytes }] of Object.entries(resident)) {
    say(`${name}: resident ${mib(earlyBytes)} MiB early, ${mib(lateBytes)} late, ${mib(peakBytes)} at most`);
  }
}

interface Outcome {
  readonly sent: FloodReport;
  readonly resident: Readonly<Record<string, MemoryReport>>;
  readonly lag: readonly number[];
  readonly books: Awaited<ReturnType<typeof balance>>;
  readonly perSecond: number;
  readonly seconds: number;
}

function judge({ sent, resident, lag, books, perSecond, seconds }: Outcome): string[] {
  const findings: string[] = [];
  for (const [name, memory] of Object.entries(resident)) {
    const growth = memory.lateBytes - memory.earlyBytes;
    if (memory.peakBytes > bounds.peakBytes[name as Name])
      findings.push(`${name} held ${memory.peakBytes} bytes`);
    if (growth > bounds.growthBytes) findings.push(`${name} grew by ${growth} bytes`);
    if (memory.peakBytes === 0) findings.push(`the memory of ${name} could not be seen`);
  }
  const others = Object.keys(sent.refused).filter((status) => status !== '503' && status !== '429');
  if (others.length > 0) findings.push(`answers that say no try again: ${others.join(', ')}`);
  if (sent.withoutRetryAfter > 0) findings.push(`${sent.withoutRetryAfter} refusals without Retry-After`);
  if (sent.offered < perSecond * seconds * 0.9) findings.push('the offered load was too low');
  if ((lag.at(-1) ?? 0) >= (lag[0] ?? 0) && (lag[0] ?? 0) > 0) findings.push('the lag does not decrease');
  if (books.lost > 0) findings.push(`${books.lost} accepted images are not in the log`);
  if (books.withoutOutcome > 0) findings.push(`${books.withoutOutcome} images have no outcome`);
  if (books.duplicates > 0) findings.push(`${books.duplicates} vectors too many`);
  return findings;
}
