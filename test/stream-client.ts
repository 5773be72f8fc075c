/** An outside client of a running stream: produces images and labels, reads predictions and dead letters, audits. */
import { randomBytes } from 'node:crypto';
import {
  createKafkaLog,
  deadLetterHeaders,
  type Follower,
  type Log,
  type LogRecord,
  type Names,
  type OutgoingRecord,
} from '@headwater/log';
import { createFingerprintIds, type ImageClassified } from '@headwater/schemas';
import { commonEnvironment, createLogger, kafkaOptions, loadConfig, namesOf } from '@headwater/service-kit';
import { type AuditReport, auditRun } from '../demo/src/audit/audit.ts';
import { openCodecs, type RunCodecs } from '../demo/src/run/codecs.ts';
import { createDigitsSource } from '../demo/src/sources/digits.ts';
import { imageIdOf, type SourceImage } from '../demo/src/sources/image-source.ts';
import type { Variables } from './processes.ts';

export const extractor = 'lenet-digits.v1';
export const task = 'digit';

/** Variables of a separate stream on a shared cluster. */
export function streamVariables(brokers: readonly string[], dataDir: string): Variables {
  const prefix = `e2e-${randomBytes(4).toString('hex')}-`;
  return {
    KAFKA_BROKERS: brokers.join(','),
    // The minimum that Kafka accepts, so that others soon replace a killed process.
    KAFKA_SESSION_TIMEOUT: '6s',
    TOPIC_PREFIX: prefix,
    GROUP_PREFIX: prefix,
    TRANSACTIONAL_ID_PREFIX: prefix,
    PARTITIONS: '4',
    EXTRACTOR: extractor,
    EXTRACTORS: extractor,
    TASKS: task,
    DATA_DIR: dataDir,
  };
}

/** The first digits of the demo run, always the same. */
export function digits(count: number): SourceImage[] {
  return [...(createDigitsSource({ task, extractor }).images(count) as Iterable<SourceImage>)];
}

export interface FoundDeadLetter {
  readonly key: string | null;
  readonly value: Buffer | null;
  readonly topic: string;
  /** Place of the failed record. */
  readonly source: string;
  readonly code: string;
  readonly reason: string;
}

export interface StreamClient {
  readonly log: Log;
  readonly names: Names;
  readonly codecs: RunCodecs;
  /** Writes directly to Kafka; resolves to the ids. */
  sendImages(images: readonly SourceImage[]): Promise<string[]>;
  sendLabels(labels: ReadonlyMap<string, string | null>): Promise<void>;
  send(records: readonly OutgoingRecord[]): Promise<void>;
  /** All predictions read so far, by image id. */
  readonly predictions: ReadonlyMap<string, readonly ImageClassified[]>;
  readonly deadLetters: readonly FoundDeadLetter[];
  audit(accepted?: Iterable<string>): Promise<AuditReport>;
  close(): Promise<void>;
}

/** Requires existing topics. */
export async function openStreamClient(variables: Variables): Promise<StreamClient> {
  const config = loadConfig(commonEnvironment, variables);
  const names = namesOf(config);
  const log = createKafkaLog(kafkaOptions(config), createLogger({ name: 'test', level: 'fatal' }));
  const codecs = await openCodecs(createFingerprintIds(), names);
  const producer = await log.openProducer();
  const predictions = new Map<string, ImageClassified[]>();
  const deadLetters: FoundDeadLetter[] = [];
  const follower = await followOutcomes(log, names, codecs, { predictions, deadLetters });
  return {
    log,
    names,
    codecs,
    predictions,
    deadLetters,
    send: (records) => producer.send(records),
    async sendImages(images) {
      const records = images.map((image) => imageRecord(image, names, codecs));
      for (let at = 0; at < records.length; at += 20) await producer.send(records.slice(at, at + 20));
      return records.map(({ key }) => key);
    },
    sendLabels: (labels) =>
      producer.send([...labels].map(([id, label]) => labelRecord(id, label, names, codecs))),
    audit: (accepted = []) =>
      auditRun({
        log,
        names,
        extractor,
        accepted,
        tasks: [task],
        start: new Map(),
        decoders: codecs.audit,
      }),
    async close() {
      await follower.close();
      await log.close();
    },
  };
}

function followOutcomes(
  log: Log,
  names: Names,
  codecs: RunCodecs,
  found: { predictions: Map<string, ImageClassified[]>; deadLetters: FoundDeadLetter[] },
): Promise<Follower> {
  const { topics } = names;
  const dead = [topics.images, topics.labels, topics.vectors(extractor)].map(topics.deadLetters);
  return log.follow({
    topics: [topics.predictions, ...dead],
    from: 'beginning',
    async onRecords(records) {
      for (const record of records) {
        if (record.topic !== topics.predictions) {
          found.deadLetters.push(asDeadLetter(record));
          continue;
        }
        const prediction = await codecs.predictions.decode(record.value ?? Buffer.alloc(0));
        const known = found.predictions.get(prediction.imageId);
        if (known === undefined) found.predictions.set(prediction.imageId, [prediction]);
        else known.push(prediction);
      }
    },
  });
}

function asDeadLetter({ topic, key, value, headers }: LogRecord): FoundDeadLetter {
  const header = (name: string) => headers[name]?.toString() ?? '';
  const { topic: from, partition, offset, exceptionClass, exceptionMessage } = deadLetterHeaders;
  return {
    topic,
    key: key === null ? null : String(key),
    value,
    source: `${header(from)}/${header(partition)}/${header(offset)}`,
    code: header(exceptionClass),
    reason: header(exceptionMessage),
  };
}

/** A record of `images` as any client would write it, with these bytes. */
export function imageRecord(
  image: Pick<SourceImage, 'bytes' | 'facts'> & { readonly id?: string },
  { topics }: Names,
  { images }: RunCodecs,
): OutgoingRecord & { readonly key: string; readonly value: Buffer } {
  const id = image.id ?? imageIdOf({ name: '', label: null, ...image });
  const facts = image.facts ?? { mediaType: 'image/png', width: 28, height: 28 };
  const value = images.encode({
    id,
    source: 'test',
    receivedAt: Date.now(),
    ...facts,
    content: image.bytes,
    attributes: {},
    labels: {},
    group: null,
  });
  return { topic: topics.images, key: id, value };
}

function labelRecord(
  id: string,
  label: string | null,
  { topics }: Names,
  { labels }: RunCodecs,
): OutgoingRecord {
  const value = labels.encode({ imageId: id, task, label, assignedAt: Date.now(), annotator: 'test' });
  return { topic: topics.labels, key: id, value };
}
