/**
 * The records that publish a solved head: the head itself, and tombstones for versions beyond the retention.
 */
import type { BlobStore } from '@headwater/blobs';
import type { Head } from '@headwater/heads';
import type { LogRecord, OutgoingRecord } from '@headwater/log';
import { type Codec, compositeKey, type HeadActivated, type HeadTrained } from '@headwater/schemas';
import { type HeadsTable, retainedVersions } from '../../model-registry/heads-table.ts';
import { isSameHead } from '../../model-registry/serving-choice.ts';

export interface PublicationOptions {
  readonly topics: { readonly heads: string; readonly serving: string };
  readonly heads: Codec<HeadTrained>;
  readonly serving: Codec<HeadActivated>;
  readonly blobs: BlobStore;
  readonly table: HeadsTable;
  /** In order of preference: the first one that has a head serves. */
  readonly extractors: readonly string[];
  /** Larger parameters go to the blob store. */
  readonly inlineBytes: number;
}

/** The fields of a head's record beside the head. */
export interface HeadContext {
  readonly extractor: string;
  readonly task: string;
  readonly version: number;
  readonly watermark: bigint;
  readonly prequential: Readonly<Record<string, number>>;
}

export async function describeHead(
  head: Head,
  context: HeadContext,
  options: Pick<PublicationOptions, 'blobs' | 'inlineBytes'>,
): Promise<HeadTrained> {
  return headTrained(head, context, await storeParameters(head.parameters, options));
}

export function headTrained(
  head: Head,
  context: HeadContext,
  parameters: HeadTrained['parameters'],
): HeadTrained {
  const { kind, digest, setDigest, arithmetic, mode, classes } = head;
  const { dimensions, examples, regularization, temperature } = head;
  const { extractor, task, version, watermark, prequential } = context;
  return {
    extractor,
    task,
    kind,
    version,
    digest,
    setDigest,
    arithmetic,
    watermark: Number(watermark),
    mode,
    classes,
    parameters,
    dimensions,
    examples,
    regularization,
    temperature,
    measurements: { ...head.measurements, ...prequential },
    trainedAt: Date.now(),
  };
}

export function headRecord(
  head: HeadTrained,
  options: PublicationOptions,
  cause?: LogRecord,
): OutgoingRecord {
  const { extractor, task, kind, version } = head;
  return {
    topic: options.topics.heads,
    key: compositeKey(extractor, task, kind, String(version)),
    value: options.heads.encode(head),
    ...(cause === undefined ? {} : { cause }),
  };
}

/** Tombstones for versions beyond the retention; the serving head stays. */
export function expiredVersionTombstones(head: HeadTrained, options: PublicationOptions): OutgoingRecord[] {
  const { extractor, task, kind, version } = head;
  const serving = options.table.activation(task);
  return options.table
    .headsOf(task)
    .filter((known) => known.extractor === extractor && known.kind === kind)
    .filter((known) => known.version <= version - retainedVersions)
    .filter((known) => serving === undefined || !isSameHead(known, serving))
    .map((known) => ({
      topic: options.topics.heads,
      key: compositeKey(extractor, task, kind, String(known.version)),
      value: null,
    }));
}

/** Puts large parameters into the blob store, small ones into the record. Errors: blob-store-unavailable. */
export async function storeParameters(
  bytes: Uint8Array,
  options: Pick<PublicationOptions, 'blobs' | 'inlineBytes'>,
): Promise<HeadTrained['parameters']> {
  const parameters = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return bytes.byteLength <= options.inlineBytes
    ? parameters
    : await options.blobs.put(parameters, { keep: true });
}
