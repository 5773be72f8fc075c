/**
 * The status of an image, whichever replica of ingest is asked: from this process, from the process of classify that
 * owns the image, and from the topics. Without peers, from this process alone.
 */
import {
  type Gathered,
  type ImageAnswer,
  type ImagePrediction,
  imageQuestionPath,
  type Peers,
} from '@headwater/http';
import { type Log, type LogRecord, partitionFor, type RecordPlace, sourceOf } from '@headwater/log';
import type { Codec, ImageClassified, ImageReceived } from '@headwater/schemas';
import type { TokenHolder } from '@headwater/service-kit';
import type { AcceptedImage } from '../intake/intake.ts';
import { PendingRecords, type PendingTopic } from './pending-records.ts';
import type { TrackedImage } from './tracked-image.ts';
import type { Tracker } from './tracker.ts';

export interface ImageLookupOptions {
  readonly tracker: Tracker;
  /** Undefined: this process answers alone. */
  readonly peers: Peers | undefined;
  readonly log: Pick<Log, 'admin' | 'read'>;
  readonly images: Codec<ImageReceived>;
  readonly imagesTopic: string;
  readonly joinGroup: string;
  readonly partitions: number;
  readonly pending: readonly PendingTopic[];
}

export interface FoundImage {
  /** Undefined where no process and no topic knows the image. */
  readonly image: TrackedImage | undefined;
  readonly asOf: number;
  /** Partitions whose owner did not answer. */
  readonly missing: readonly number[];
}

export class ImageLookup {
  readonly #options: ImageLookupOptions;
  readonly #pending: PendingRecords;

  constructor(options: ImageLookupOptions) {
    this.#options = options;
    this.#pending = new PendingRecords(options.log, options.pending, options.partitions);
  }

  /** Errors: group-rebalancing, log-unavailable. */
  async find(id: string, caller: TokenHolder | null): Promise<FoundImage> {
    const { tracker, peers } = this.#options;
    if (peers === undefined) return { image: tracker.find(id), asOf: Date.now(), missing: [] };
    const { answers, missing } = await this.#askOwner(peers, id, caller);
    const [answer] = answers;
    const own = await this.#withFacts(tracker.find(id));
    const image = merge(id, own, answer) ?? (await this.#findPending(id));
    return { image, asOf: answer?.asOf ?? Date.now(), missing };
  }

  close(): void {
    this.#options.peers?.close();
  }

  #askOwner(peers: Peers, id: string, caller: TokenHolder | null): Promise<Gathered<ImageAnswer>> {
    const { joinGroup, partitions } = this.#options;
    const question = { group: joinGroup, path: imageQuestionPath(id), caller };
    const nothing = { asOf: 0, receivedAt: null, erasedAt: null, isPredicted: false, predictions: [] };
    const none = async (): Promise<ImageAnswer> => ({ partitions: [], ...nothing });
    return peers.gather([partitionFor(id, partitions)], question, none);
  }

  /** The facts of an image that another replica accepted, from its record; without them where that has expired. */
  async #withFacts(image: TrackedImage | undefined): Promise<TrackedImage | undefined> {
    if (image === undefined || image.accepted !== undefined || image.status === 'erased') return image;
    const vector = image.source && (await this.#read(image.source));
    const source = vector && sourceOf(vector);
    const record = source?.topic === this.#options.imagesTopic ? await this.#read(source) : undefined;
    if (record === undefined) return image;
    const accepted = await this.#accepted(record);
    if (accepted?.id !== image.id || accepted.receivedAt !== image.receivedAt) return image;
    this.#options.tracker.accepted(accepted);
    return { ...image, accepted };
  }

  async #findPending(id: string): Promise<TrackedImage | undefined> {
    const record = await this.#pending.find(id);
    if (record === undefined) return undefined;
    if (record.value === null) return erased(id);
    const { imagesTopic } = this.#options;
    const source = record.topic === imagesTopic ? undefined : sourceOf(record);
    const image = source ? await this.#read(source) : record;
    const accepted = image?.topic === imagesTopic ? await this.#accepted(image) : undefined;
    if (accepted === undefined) return undefined;
    return { ...known(id, accepted.receivedAt, 'accepted'), accepted };
  }

  async #read({ topic, partition, offset }: RecordPlace): Promise<LogRecord | undefined> {
    const low = (await this.#options.log.admin.offsets(topic))[partition]?.low;
    if (low === undefined || offset < low) return undefined;
    const range = { topic, partition, from: offset, to: offset + 1n };
    for await (const [record] of this.#options.log.read(range)) return record;
    return undefined;
  }

  /** Undefined for a record that cannot be read, which is a dead letter soon. */
  async #accepted({ value }: LogRecord): Promise<AcceptedImage | undefined> {
    if (value === null) return undefined;
    let image: ImageReceived;
    try {
      image = await this.#options.images.decode(value);
    } catch {
      return undefined;
    }
    const { id, receivedAt, mediaType, width, height, content } = image;
    const byteLength = Buffer.isBuffer(content) ? content.length : content.byteLength;
    return { id, receivedAt, mediaType, width, height, byteLength, blob: undefined };
  }
}

/** The newest record counts, of those that this process and the owner know. */
function merge(
  id: string,
  own: TrackedImage | undefined,
  owner: ImageAnswer | undefined,
): TrackedImage | undefined {
  const { receivedAt = null, erasedAt = null } = owner ?? {};
  if (own?.status === 'erased' && (receivedAt === null || receivedAt <= own.receivedAt)) return erased(id);
  if (receivedAt === null && erasedAt !== null && (own === undefined || own.receivedAt <= erasedAt))
    return erased(id);
  if (owner === undefined || receivedAt === null || (own !== undefined && own.receivedAt > receivedAt))
    return own && sorted(own);
  const isSame = own?.receivedAt === receivedAt;
  const status = owner.isPredicted || owner.predictions.length > 0 ? 'classified' : 'accepted';
  const base = isSame ? own : known(id, receivedAt, status);
  const seen = new Set(base.predictions.map(nameOf));
  const more = owner.predictions.filter((one) => !seen.has(nameOf(one))).map(asPrediction);
  const isDeadLetter = status === 'accepted' && base.status === 'dead-lettered';
  return sorted({
    ...base,
    status: isDeadLetter || base.status === 'classified' ? base.status : status,
    predictions: [...base.predictions, ...more],
  });
}

function sorted(image: TrackedImage): TrackedImage {
  const compare = (a: string, b: string) => (a < b ? -1 : Number(a > b));
  const predictions = [...image.predictions].sort((a, b) => compare(nameOf(a), nameOf(b)));
  return { ...image, predictions };
}

const nameOf = ({ task, extractor }: Pick<ImageClassified, 'task' | 'extractor'>) => `${task}/${extractor}`;

/** Both services have the same schema of predictions. */
function asPrediction({ probabilities, ...prediction }: ImagePrediction): ImageClassified {
  return { ...prediction, probabilities: Object.fromEntries(probabilities) } as unknown as ImageClassified;
}

/** Nothing else is shown of an image that was erased, so that each replica gives the same answer. */
function erased(id: string): TrackedImage {
  return known(id, undefined, 'erased');
}

function known(id: string, receivedAt: number | undefined, status: TrackedImage['status']): TrackedImage {
  return {
    id,
    receivedAt: receivedAt ?? 0,
    accepted: undefined,
    status,
    predictions: [],
    deadLetter: undefined,
  };
}
