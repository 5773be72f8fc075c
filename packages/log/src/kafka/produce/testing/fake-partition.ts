/** A partition that applies the broker's rules for idempotent producers. */
import { errorCodes } from './error-codes.ts';
import type { ProducedBatch } from './produced-batch.ts';

export class FakePartition {
  readonly topic: string;
  readonly partition: number;
  leader: number;
  readonly values: string[] = [];
  readonly #next = new Map<bigint, { epoch: number; sequence: number }>();

  constructor(topic: string, partition: number, leader: number) {
    this.topic = topic;
    this.partition = partition;
    this.leader = leader;
  }

  /** Returns Kafka's error code; 0 where the batch is in the log, also as a duplicate. */
  append({ producerId, epoch, sequence, bytes }: ProducedBatch): number {
    const known = this.#next.get(producerId);
    if (known !== undefined && epoch < known.epoch) return errorCodes.INVALID_PRODUCER_EPOCH;
    const expected = known === undefined || epoch > known.epoch ? 0 : known.sequence;
    if (sequence < expected) return errorCodes.NONE;
    if (sequence > expected) return errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER;
    const values = valuesOf(bytes);
    this.values.push(...values);
    this.#next.set(producerId, { epoch, sequence: sequence + values.length });
    return errorCodes.NONE;
  }
}

const headSize = 61;

/** Values of the records of a batch, which must be text. */
function valuesOf(bytes: Buffer): string[] {
  let offset = headSize;
  const varInt = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes.readUInt8(offset);
      offset += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
  };
  const text = () => {
    const length = Math.max(varInt(), 0);
    offset += length;
    return bytes.toString('utf8', offset - length, offset);
  };
  const values: string[] = [];
  while (offset < bytes.length) {
    const end = varInt() + offset;
    offset += 1;
    varInt();
    varInt();
    text();
    values.push(text());
    offset = end;
  }
  return values;
}
