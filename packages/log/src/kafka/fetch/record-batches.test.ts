import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import '../client/kafkajs.ts';
import type { RawRecord } from '../client/raw-record.ts';
import { CorruptBatchError, corruptBatch, verifyRecordBatches } from './record-batches.ts';

/** One batch of three records each, written by the Java client 4.1. */
const javaBatches = {
  gzip: 'AAAAAAAAAAAAAAB0AAAAAAIf7uz+AAEAAAACAAABi8/laAAAAAGLz+VoAv//////////////////AAAAAx+LCAAAAAAAAP9bxczAwMCVnVqpazCJOb0qs0BhGBAGDKuYGZiYwN4yHD7eMgR5i4UF7C2j4eMtIwYAfyWpWYUCAAA=',
  snappy:
    'AAAAAAAAAAAAAACjAAAAAAL7absHAAIAAAACAAABi8/laAAAAAGLz+VoAv//////////////////AAAAA4JTTkFQUFkAAAAAAQAAAAEAAABe9QZMygQAAAAKa2V5LTCyBHNuYXBweSD+BwD+BwD+BwD+BwBCBwAYMADKBAACAiUnADH+JwH+JwH+JwH+JwFmJwEAMSEnBAQEJScAMv4nAf4nAf4nAf4nAWYnAQQyAA==',
  lz4: 'AAAAAAAAAAAAAAB5AAAAAALu8akHAAMAAAACAAABi8/laAAAAAGLz+VoAv//////////////////AAAAAwQiTRhgQII5AAAA/wLaAgAAAAprZXktMMICbHo0IAQAiXEwANoCAAICrwAfMa8AjxAxrwAhBASvAB8yrwCMUHo0IDIAAAAAAA==',
  zstd: 'AAAAAAAAAAAAAABxAAAAAAKtl+MFAAQAAAACAAABi8/laAAAAAGLz+VoAv//////////////////AAAAAyi1L/0AWKQBAAQCqgMAAAAKa2V5LTCSA3pzdGQgMACqAwACAjExBAQyMgAGAEdAAjSClR2BhNa0BhBUCQMBAAA=',
} as const;

const require = createRequire(import.meta.url);
const Decoder = require('kafkajs/src/protocol/decoder') as new (
  bytes: Buffer,
) => { buffer: Buffer; offset: number };
const decodeBatch = require('kafkajs/src/protocol/recordBatch/v0/decoder') as (
  decoder: InstanceType<typeof Decoder>,
) => Promise<{ records: RawRecord[] }>;

const bytesOf = (name: keyof typeof javaBatches) => Buffer.from(javaBatches[name], 'base64');

describe('record batches', () => {
  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'reads %s as the Java client writes it',
    async (name) => {
      const { records } = await decodeBatch(new Decoder(bytesOf(name)));
      expect(records.map(({ key, offset }) => [key?.toString(), offset])).toEqual([
        ['key-0', '0'],
        ['key-1', '1'],
        ['key-2', '2'],
      ]);
      expect(records[2]?.value?.toString()).toBe(`${`${name} `.repeat(40)}2`);
    },
  );

  it('rejects a batch with one wrong bit', async () => {
    const bytes = bytesOf('lz4');
    bytes[90] = (bytes[90] ?? 0) ^ 4;
    const decoded = decodeBatch(new Decoder(bytes));
    await expect(decoded).rejects.toThrow(CorruptBatchError);
    await expect(decoded).rejects.toMatchObject({ retriable: false, firstOffset: 0n, next: 3n });
  });

  it('distinguishes an undecodable batch from one truncated by the response size', async () => {
    const cutShort = bytesOf('gzip').subarray(0, -5);
    await expect(decodeBatch(new Decoder(cutShort))).rejects.toMatchObject({
      name: 'KafkaJSPartialMessageError',
    });
    const broken = verifyRecordBatches(() => Promise.reject(new RangeError('out of bounds')));
    await expect(broken(new Decoder(bytesOf('gzip')))).rejects.toThrow('offset 0 is corrupt: out of bounds');
  });

  it.each([0, 1, 2])('ends a batch with %i records after compaction at its last offset', async (left) => {
    const whole = await decodeBatch(new Decoder(bytesOf('gzip')));
    const compacted = verifyRecordBatches(async () => ({
      firstOffset: '0',
      lastOffsetDelta: 2,
      records: whole.records.slice(0, left),
    }));
    const { records } = await compacted(new Decoder(bytesOf('gzip')));
    expect(records).toHaveLength(left + 1);
    expect(records.at(-1)).toMatchObject({ offset: '2', isControlRecord: true });
  });

  it('names the corrupt batch and the command that skips it', () => {
    const error = corruptBatch('images', 3, new CorruptBatchError(17n, 2, 'checksum mismatch'));
    expect(error).toMatchObject({ code: 'log-batch-corrupt', verdict: 'stop' });
    expect(error.message).toContain('images-3: the batch at offset 17 is corrupt: checksum mismatch');
    expect(error.message).toContain('--topic images:3 --reset-offsets --to-offset 20');
  });
});
