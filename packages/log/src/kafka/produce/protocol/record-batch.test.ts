import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BatchRecord, encodeBatch, sequenceAfter } from './record-batch.ts';

interface Decoded {
  readonly records: readonly (BatchRecord & { readonly offset: string })[];
  readonly producerId: string;
  readonly producerEpoch: number;
  readonly inTransaction: boolean;
  readonly lastOffsetDelta: number;
}
const require = createRequire(import.meta.url);
const Decoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => unknown;
/** kafkajs' own decoder, as an independent reader. */
const decode = require('kafkajs/src/protocol/recordBatch/v0/decoder') as (
  decoder: unknown,
) => Promise<Decoded>;

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
/** The prefix avoids names such as `toString`, which kafkajs' decoder confuses with object properties. */
const headerName = fc.string({ maxLength: 20 }).map((name) => `h-${name}`);
const record: fc.Arbitrary<BatchRecord> = fc.record({
  key: fc.option(bytes, { nil: null }),
  value: fc.option(bytes, { nil: null }),
  headers: fc.dictionary(headerName, bytes, { maxKeys: 4, noNullPrototype: true }),
  timestamp: fc.integer({ min: 0, max: 4_000_000_000_000 }),
});

describe('encodeBatch', () => {
  it('is decoded by an independent decoder for any records', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { minLength: 1, maxLength: 20 }),
        fc.bigInt({ min: 0n, max: 2n ** 62n }),
        fc.integer({ min: 0, max: 32_767 }),
        fc.boolean(),
        async (records, producerId, epoch, transactional) => {
          const batch = encodeBatch(records, { identity: { producerId, epoch }, sequence: 7, transactional });
          const decoded = await decode(new Decoder(batch));
          expect(decoded).toMatchObject({
            producerId: String(producerId),
            producerEpoch: epoch,
            inTransaction: transactional,
            lastOffsetDelta: records.length - 1,
          });
          expect(decoded.records.map(({ key, value }) => ({ key, value }))).toEqual(
            records.map(({ key, value }) => ({ key, value })),
          );
          expect(decoded.records.map(({ timestamp }) => Number(timestamp))).toEqual(
            records.map(({ timestamp }) => timestamp),
          );
          for (const [index, { headers }] of decoded.records.entries()) {
            expect(Object.entries(headers)).toEqual(Object.entries(records[index]?.headers ?? {}));
          }
        },
      ),
    );
  });

  it('encodes a string key as its UTF-8 bytes', () => {
    const options = { identity: { producerId: 1n, epoch: 0 }, sequence: 0, transactional: false };
    const of = (key: Buffer | string) =>
      encodeBatch([{ key, value: null, headers: {}, timestamp: 5 }], options);
    expect(of('Äpfel')).toEqual(of(Buffer.from('Äpfel')));
  });
});

it('wraps sequence numbers to 0 after 2³¹ − 1', () => {
  expect(sequenceAfter(2 ** 31 - 3, 3)).toBe(0);
  expect(sequenceAfter(5, 3)).toBe(8);
});
