/**
 * What kafkajs' decoder of record batches leaves out: it checks no CRC, and where compaction has taken the last
 * records of a batch (or all of them) nothing tells that the batch reached further, so that a reader would
 * ask for the same batch for ever.
 */
import { HeadwaterError } from '@headwater/errors';
import { crc32c } from '@node-rs/crc32';
import type { RawRecord } from '../client/raw-record.ts';

interface DecodedBatch {
  readonly firstOffset: string;
  readonly lastOffsetDelta: number;
  readonly records: RawRecord[];
}

/** kafkajs' reading position in a response. */
interface Decoder {
  readonly buffer: Buffer;
  readonly offset: number;
}

export type RecordBatchDecoder = (decoder: Decoder) => Promise<DecodedBatch>;

/** A batch that cannot be read; `retriable` keeps kafkajs from asking again and again. */
export class CorruptBatchError extends Error {
  override readonly name = 'CorruptBatchError';
  readonly retriable = false;
  readonly firstOffset: bigint;
  /** The offset after it, as far as its head can be trusted: a broker hands out a batch whole. */
  readonly next: bigint;

  constructor(firstOffset: bigint, lastOffsetDelta: number, reason: string, cause?: unknown) {
    super(`the batch at offset ${firstOffset} is corrupt: ${reason}`, { cause });
    this.firstOffset = firstOffset;
    this.next = firstOffset + BigInt(Math.max(lastOffsetDelta, 0)) + 1n;
  }
}

/** Where things lie in a record batch, in bytes from its start (message format v2). */
const at = { length: 8, afterLength: 12, crc: 17, checked: 21, lastOffsetDelta: 23 } as const;

/** Checks each batch, and ends it with a control record where its last offset has none. */
export function verifyRecordBatches(original: RecordBatchDecoder): RecordBatchDecoder {
  return async (decoder) => {
    const bytes = decoder.buffer.subarray(decoder.offset);
    const firstOffset = bytes.readBigInt64BE(0);
    const end = at.afterLength + bytes.readInt32BE(at.length);
    if (bytes.length < end) return original(decoder);
    const lastOffsetDelta = bytes.readInt32BE(at.lastOffsetDelta);
    const expected = bytes.readUInt32BE(at.crc);
    if (crc32c(bytes.subarray(at.checked, end)) !== expected) {
      throw new CorruptBatchError(firstOffset, lastOffsetDelta, 'its checksum is wrong');
    }
    return original(decoder).then(addEnd, (cause: Error) => {
      throw new CorruptBatchError(firstOffset, lastOffsetDelta, cause.message, cause);
    });
  };
}

function addEnd(batch: DecodedBatch): DecodedBatch {
  const lastOffset = BigInt(batch.firstOffset) + BigInt(batch.lastOffsetDelta);
  if (BigInt(batch.records.at(-1)?.offset ?? -1) === lastOffset) return batch;
  batch.records.push({
    offset: String(lastOffset),
    timestamp: '0',
    key: null,
    value: null,
    headers: {},
    isControlRecord: true,
    batchContext: { producerId: '-1', inTransaction: false },
  });
  return batch;
}

/** What stops a partition on such a batch, and how to go on. */
export function corruptBatch(topic: string, partition: number, error: CorruptBatchError): HeadwaterError {
  const message =
    `${topic}-${partition}: ${error.message}. Restore the partition from another replica, or skip the batch: ` +
    `stop the services and set the group's offset past it (kafka-consumer-groups.sh --group GROUP ` +
    `--topic ${topic}:${partition} --reset-offsets --to-offset ${error.next} --execute)`;
  return new HeadwaterError('log-batch-corrupt', message, {
    cause: error,
    context: { topic, partition, offset: String(error.firstOffset) },
  });
}
