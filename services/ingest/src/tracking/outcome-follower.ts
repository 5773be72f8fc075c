/**
 * Reads predictions and dead letters from now on, and the table of serving heads from its beginning. A record that
 * cannot be read is logged and skipped, since the follower maintains a view alone.
 */
import { isUtf8 } from 'node:buffer';
import { asHeadwaterError } from '@headwater/errors';
import {
  deadLetterHeaders,
  type Follower,
  imageFields,
  type Log,
  type Logger,
  type LogRecord,
  type Names,
  sourceOf,
} from '@headwater/log';
import { imageIdProblem, openCodec, openVectorReader, type SchemaIds } from '@headwater/schemas';
import type { ServingTasks } from './serving-tasks.ts';
import type { DeadLetterNotice } from './tracked-image.ts';
import type { Tracker } from './tracker.ts';

export interface OutcomeFollowerOptions {
  readonly log: Log;
  readonly schemaIds: SchemaIds;
  readonly names: Names;
  readonly extractors: readonly string[];
  readonly tracker: Tracker;
  readonly serving: ServingTasks;
  readonly logger: Logger;
}

export interface OutcomeFollower {
  /** Rejects when it fails; resolves after `close`. */
  readonly stopped: Promise<void>;
  close(): Promise<void>;
}

type Handler = (record: LogRecord) => Promise<void> | void;
/** Reads `receivedAt` of a dead letter's record, which distinguishes records of one id. */
type TimeReader = (value: Buffer) => Promise<number>;

/** The topics that are followed. */
export function followedTopics(names: Names, extractors: readonly string[]): string[] {
  const { topics } = names;
  return [topics.predictions, topics.serving, ...deadLetterTopics(names, extractors)];
}

function deadLetterTopics({ topics }: Names, extractors: readonly string[]): string[] {
  const sources = [topics.images, ...extractors.map((extractor) => topics.vectors(extractor))];
  return sources.map((source) => topics.deadLetters(source));
}

/** Resolves when all records that are written from now on will be read. */
export async function openOutcomeFollower(options: OutcomeFollowerOptions): Promise<OutcomeFollower> {
  const { log, names, extractors, logger } = options;
  const handlers = await openHandlers(options);
  const onRecords = async (records: readonly LogRecord[]) => {
    for (const record of records) {
      try {
        await handlers.get(record.topic)?.(record);
      } catch (error) {
        const { code } = asHeadwaterError(error);
        logger.warn({ ...imageFields(record), code }, 'cannot read a prediction or dead letter');
      }
    }
  };
  const { serving, predictions } = names.topics;
  const outcomes = [predictions, ...deadLetterTopics(names, extractors)];
  const followers: Follower[] = [
    await log.follow({ topics: outcomes, from: 'end', onRecords }),
    await log.follow({ topics: [serving], from: 'beginning', onRecords }),
  ];
  await Promise.all(followers.map((follower) => Promise.race([follower.caughtUp, follower.stopped])));
  return {
    stopped: Promise.all(followers.map((follower) => follower.stopped)).then(() => undefined),
    close: async () => {
      await Promise.all(followers.map((follower) => follower.close()));
    },
  };
}

async function openHandlers(options: OutcomeFollowerOptions): Promise<ReadonlyMap<string, Handler>> {
  const { schemaIds, names, extractors, tracker, serving } = options;
  const { topics } = names;
  const classified = await openCodec(schemaIds, 'ImageClassified', topics.predictions);
  const activated = await openCodec(schemaIds, 'HeadActivated', topics.serving);
  const images = await openCodec(schemaIds, 'ImageReceived', topics.images);
  const vectors = openVectorReader(schemaIds);
  const deadLetters =
    (readTime: TimeReader): Handler =>
    async (record) => {
      const notice = await noticeOf(record, readTime);
      if (notice) tracker.deadLettered(notice);
    };
  return new Map<string, Handler>([
    [
      topics.predictions,
      async (record) => {
        const { value } = record;
        if (value) tracker.classified(await classified.decode(value), sourceOf(record) ?? undefined);
      },
    ],
    [
      topics.serving,
      async ({ key, value }) => {
        if (key) serving.activated(key.toString(), value ? await activated.decode(value) : undefined);
      },
    ],
    [
      topics.deadLetters(topics.images),
      deadLetters(async (value) => (await images.decode(value)).receivedAt),
    ],
    ...extractors.map((extractor): [string, Handler] => [
      topics.deadLetters(topics.vectors(extractor)),
      deadLetters(async (value) => (await vectors.decode(value)).receivedAt),
    ]),
  ]);
}

async function noticeOf(record: LogRecord, readTime: TimeReader): Promise<DeadLetterNotice | undefined> {
  const { key, value, headers, topic, timestamp } = record;
  // An invalid id cannot be requested, and may be as long as a record.
  if (!key || !isUtf8(key) || imageIdProblem(key.toString()) !== undefined) return undefined;
  const header = (name: string) => headers[name]?.toString() ?? 'unknown';
  return {
    imageId: key.toString(),
    receivedAt: value ? await readTime(value).catch(() => undefined) : undefined,
    topic,
    stage: header(deadLetterHeaders.stage),
    code: header(deadLetterHeaders.exceptionClass),
    reason: header(deadLetterHeaders.exceptionMessage),
    timestamp,
  };
}
