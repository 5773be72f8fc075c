/**
 * Additions to kafkajs' decoder of record batches, which does not verify the CRC. After compaction of the last
 * records of a batch, it also loses the batch's end, so that a reader would request the same batch forever.
 */
import { HeadwaterError } from '@headwater/errors';
import { crc32c } from '@node-rs/crc32';
import type { RawRecord } from '../client/raw-record.ts';

interface DecodedBatch {
  readonly firstOffset: string;
  readonly lastOffsetDelta: number;
  readonly records: RawRecord[];
}

/** kafkajs' read position in a response. */
interface Decoder {
  readonly buffer: Buffer;
  readonly offset: number;
}

export type RecordBatchDecoder = (decoder: Decoder) => Promise<DecodedBatch>;

/** A batch that cannot be decoded; `retriable` prevents endless retries by kafkajs. */
export class CorruptBatchError extends Error {
  override readonly name = 'CorruptBatchError';
  readonly retriable = false;
  readonly firstOffset: bigint;
  /** The offset after the batch, if its header is intact; a broker returns only whole batches. */
  readonly next: bigint;

  constructor(firstOffset: bigint, lastOffsetDelta: number, reason: string, cause?: unknown) {
    super(`the batch at offset ${firstOffset} is corrupt: ${reason}`, { cause });
    this.firstOffset = firstOffset;
    this.next = firstOffset + BigInt(Math.max(lastOffsetDelta, 0)) + 1n;
  }
}

/** Byte positions in a record batch (message format v2). */
const at = { length: 8, afterLength: 12, crc: 17, checked: 21, lastOffsetDelta: 23 } as const;

/** Verifies the CRC of each batch, and adds a control record at its last offset if it has none there. */
export function verifyRecordBatches(original: RecordBatchDecoder): RecordBatchDecoder {
  return async (decoder) => {
    const bytes = decoder.buffer.subarray(decoder.offset);
    const firstOffset = bytes.readBigInt64BE(0);
    const end = at.afterLength + bytes.readInt32BE(at.length);
    if (bytes.length < end) return original(decoder);
    const lastOffsetDelta = bytes.readInt32BE(at.lastOffsetDelta);
    const expected = bytes.readUInt32BE(at.crc);
    if (crc32c(bytes.subarray(at.checked, end)) !== expected) {
      throw new CorruptBatchError(firstOffset, lastOffsetDelta, 'checksum mismatch');
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

/** The error that stops a partition at a corrupt batch, with the command that skips it. */
export function corruptBatch(topic: string, partition: number, error: CorruptBatchError): HeadwaterError {
  const message =
    `${topic}-${partition}: ${error.message}; restore the partition from another replica, or skip the batch: ` +
    `stop the services and set the group's offset after it (kafka-consumer-groups.sh --group GROUP ` +
    `--topic ${topic}:${partition} --reset-offsets --to-offset ${error.next} --execute)`;
  return new HeadwaterError('log-batch-corrupt', message, {
    cause: error,
    context: { topic, partition, offset: String(error.firstOffset) },
  });
}
