/** Turns rows of a file into records that the topics lack, and sends them. */
import { HeadwaterError } from '@headwater/errors';
import { describeExtractor, extractorIds } from '@headwater/extractors';
import { quantize } from '@headwater/heads';
import type { LogProducer, OutgoingRecord } from '@headwater/log';
import {
  type Codec,
  type LabelAssigned,
  openCodec,
  openVectorCodec,
  readLabel,
  type VectorContract,
  type VectorExtracted,
} from '@headwater/schemas';
import { vectorDigest } from '../../join/state/image-bytes.ts';
import { type KeptVector, largerLabel, type StatedLabel } from '../../join/state/image-state.ts';
import type { ClusterClients } from '../../model-registry/head-catalog.ts';
import type { RebuiltJoin } from '../rebuild/rebuilt-join.ts';
import { dequantize } from './dequantization.ts';
import type { ExampleRow, SetHeader } from './example-files/api.ts';

export interface SenderOptions {
  readonly clients: ClusterClients;
  readonly header: SetHeader;
  /** The present state of the topics. */
  readonly known: Pick<RebuiltJoin, 'image'>;
  readonly producer: LogProducer;
}

/** Sends the missing records of each row. */
export class Sender {
  rows = 0;
  vectorsSent = 0;
  labelsSent = 0;
  unchanged = 0;
  readonly #options: SenderOptions;
  readonly #codecs: ImportCodecs;

  /** Errors: record-invalid where the extractor has other dimensions in this cluster, schema-incompatible. */
  static async open(options: SenderOptions): Promise<Sender> {
    return new Sender(options, await openCodecs(options));
  }

  private constructor(options: SenderOptions, codecs: ImportCodecs) {
    this.#options = options;
    this.#codecs = codecs;
  }

  /** Vectors first, so that an image is predicted before its label is known. */
  async send(rows: readonly ExampleRow[]): Promise<void> {
    const vectors = rows.flatMap((row) => this.#vectorRecord(row) ?? []);
    const labels = rows.flatMap((row) => this.#labelRecord(row) ?? []);
    if (vectors.length > 0) await this.#options.producer.send(vectors);
    this.vectorsSent += vectors.length;
    if (labels.length > 0) await this.#options.producer.send(labels);
    this.labelsSent += labels.length;
    this.rows += rows.length;
    const touched = new Set([...vectors, ...labels].map(({ key }) => key));
    this.unchanged += rows.length - touched.size;
  }

  #vectorRecord(row: ExampleRow): OutgoingRecord | undefined {
    const { extractor } = this.#options.header;
    const kept = this.#options.known.image(row.imageId).vectors.get(extractor);
    const numbers = numbersOf(row);
    if (kept?.digest === vectorDigest(numbers) && kept.group === row.group) return undefined;
    const value = this.#codecs.vectors.encode({
      imageId: row.imageId,
      extractor: refOf(extractor),
      vector: floatsOf(row),
      group: row.group,
      extractedAt: Date.now(),
      ...statedBefore(kept),
    });
    return { topic: this.#options.clients.names.topics.vectors(extractor), key: row.imageId, value };
  }

  #labelRecord(row: ExampleRow): OutgoingRecord | undefined {
    const { imageId, assignedAt, annotator } = row;
    const label = readLabel(row.label);
    const { task } = this.#options.header;
    const stated: StatedLabel = { byPerson: true, assignedAt, annotator, label };
    const before = this.#options.known.image(imageId).assigned.get(task);
    if (largerLabel(before, stated) === before) return undefined;
    const value = this.#codecs.labels.encode({ imageId, task, label, assignedAt, annotator });
    return { topic: this.#options.clients.names.topics.labels, key: imageId, value };
  }
}

/** The replaced record may have labels of other tasks, which compaction would delete: they are copied. */
function statedBefore(
  kept: KeptVector | undefined,
): Pick<VectorExtracted, 'labels' | 'source' | 'receivedAt'> {
  const stated = [...(kept?.stated ?? [])].flatMap(([task, { label }]) =>
    label === null ? [] : [[task, label]],
  );
  const source = kept === undefined ? 'import' : ([...kept.stated.values()][0]?.annotator ?? 'import');
  return { labels: Object.fromEntries(stated), source, receivedAt: kept?.receivedAt ?? Date.now() };
}

/** The digest of an unknown extractor is unknown too. */
function refOf(extractor: string): VectorExtracted['extractor'] {
  const known = extractorIds().includes(extractor) ? describeExtractor(extractor) : undefined;
  const dot = extractor.lastIndexOf('.');
  return {
    name: extractor.slice(0, dot),
    version: extractor.slice(dot + 1),
    digest: known?.digest ?? '00'.repeat(32),
  };
}

/** The quantised vector. Errors: record-invalid, with the row. */
export function numbersOf(row: ExampleRow): Int16Array {
  if (row.vector instanceof Float32Array) return quantize(row.vector);
  floatsOf(row);
  return row.vector;
}

function floatsOf({ vector, where }: ExampleRow): Float32Array {
  if (vector instanceof Float32Array) return vector;
  try {
    return dequantize(vector);
  } catch (cause) {
    throw new HeadwaterError('record-invalid', `${where}: the vector is not a quantised unit vector`, {
      cause,
    });
  }
}

interface ImportCodecs {
  readonly labels: Codec<LabelAssigned>;
  readonly vectors: Codec<VectorExtracted>;
}

async function openCodecs({ clients, header }: SenderOptions): Promise<ImportCodecs> {
  const { schemaIds, names } = clients;
  const { topics } = names;
  const contract = contractOf(header);
  return {
    labels: await openCodec(schemaIds, 'LabelAssigned', topics.labels),
    vectors: await openVectorCodec(schemaIds, contract, topics.vectors(header.extractor)),
  };
}

/** From the extractor table, or from the file for an extractor of the user. Errors: record-invalid. */
function contractOf({ extractor, dimensions }: SetHeader): VectorContract {
  if (!extractorIds().includes(extractor)) {
    const description = 'Vectors of an imported labelled set.';
    const shape = { dimensions, elementType: 'float32', byteOrder: 'little-endian' } as const;
    return { extractor, ...shape, normalization: 'none', description };
  }
  const { contract } = describeExtractor(extractor);
  if (contract.dimensions === dimensions) return contract;
  throw new HeadwaterError(
    'record-invalid',
    `the file has vectors of ${dimensions} dimensions; those of ${extractor} have ${contract.dimensions}`,
  );
}
