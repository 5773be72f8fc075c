import type { LogRecord } from '@headwater/log';
import {
  type Codec,
  compositeKey,
  createFingerprintIds,
  type HeadActivated,
  type HeadTrained,
  openCodec,
} from '@headwater/schemas';
import { createLogger } from '@headwater/service-kit';
import { beforeEach, describe, expect, it } from 'vitest';
import { HeadsTable, unpinHeader } from './heads-table.ts';

const ids = createFingerprintIds();
const topics = { heads: 'heads', serving: 'serving' };
let heads: Codec<HeadTrained>;
let serving: Codec<HeadActivated>;
let table: HeadsTable;
let offset: bigint;

beforeEach(async () => {
  heads = await openCodec(ids, 'HeadTrained', topics.heads);
  serving = await openCodec(ids, 'HeadActivated', topics.serving);
  table = new HeadsTable({ topics, heads, serving, logger: createLogger({ name: 'test', level: 'silent' }) });
  offset = 0n;
});

function trained(version: number): HeadTrained {
  return {
    extractor: 'a.v1',
    task: 'digit',
    kind: 'lda',
    version,
    digest: 'd',
    setDigest: 's',
    arithmetic: 1,
    watermark: version,
    mode: 'provisional',
    classes: ['x'],
    parameters: Buffer.from('p'),
    dimensions: 8,
    examples: 1,
    regularization: null,
    temperature: 1,
    measurements: {},
    trainedAt: version,
  };
}

function activation(version: number, reason: HeadActivated['reason']): HeadActivated {
  return { task: 'digit', extractor: 'a.v1', kind: 'lda', version, reason, activatedAt: version };
}

function record(
  topic: string,
  key: string,
  value: Buffer | null,
  headers: LogRecord['headers'] = {},
): LogRecord {
  return { topic, partition: 0, offset: offset++, timestamp: 0, key: Buffer.from(key), value, headers };
}

const headRecord = (head: HeadTrained, value: Buffer | null = heads.encode(head)) =>
  record(topics.heads, compositeKey(head.extractor, head.task, head.kind, String(head.version)), value);

const series = { extractor: 'a.v1', task: 'digit', kind: 'lda' } as const;

describe('the heads table', () => {
  it('keeps parameters of the newest head only, and drops tombstoned heads', async () => {
    await table.apply([headRecord(trained(1)), headRecord(trained(3)), headRecord(trained(2))]);
    expect(table.newest(series)?.version).toBe(3);
    expect(table.headsOf('digit').map(({ version }) => version)).toEqual([3, 2, 1]);
    expect(table.head(series, 2)).not.toHaveProperty('parameters');
    await table.apply([headRecord(trained(2), null)]);
    expect(table.head(series, 2)).toBeUndefined();
  });

  it('stays bounded while heads come and go', async () => {
    for (let version = 1; version <= 200; version++) await table.apply([headRecord(trained(version))]);
    expect(table.headsOf('digit').length).toBeLessThanOrEqual(40);
  });

  it('applies records that come twice once', async () => {
    const records = [
      record(topics.serving, 'digit', serving.encode(activation(1, 'champion'))),
      record(topics.serving, 'digit', serving.encode(activation(2, 'champion'))),
    ];
    await table.apply(records);
    await table.apply(records.slice(0, 1));
    expect(table.activation('digit')?.version).toBe(2);
  });

  it('keeps a pin that a champion overwrote unknowingly, until an unpin', async () => {
    await table.apply([
      record(topics.serving, 'digit', serving.encode(activation(1, 'pinned'))),
      record(topics.serving, 'digit', serving.encode(activation(2, 'champion'))),
    ]);
    expect(table.activation('digit')).toMatchObject({ version: 1, reason: 'pinned', shadowed: true });
    const unpinned = { [unpinHeader]: Buffer.from('1') };
    await table.apply([record(topics.serving, 'digit', serving.encode(activation(2, 'champion')), unpinned)]);
    expect(table.activation('digit')).toMatchObject({ version: 2, reason: 'champion', shadowed: false });
  });

  it('skips unreadable records', async () => {
    await table.apply([record(topics.heads, 'a/b/c/1', Buffer.from('nonsense')), headRecord(trained(1))]);
    expect(table.newest(series)?.version).toBe(1);
  });

  it.each([
    { version: 0 },
    { version: 2 ** 31 - 1 },
    { arithmetic: 0 },
    { watermark: -1 },
    { dimensions: -1 },
    { examples: -1 },
    { temperature: Number.NaN },
    { regularization: Number.POSITIVE_INFINITY },
  ])('skips a head with invalid numbers: %o', async (wrong) => {
    await table.apply([headRecord(trained(1)), headRecord({ ...trained(2), ...wrong })]);
    expect(table.headsOf('digit').map(({ version }) => version)).toEqual([1]);
    expect(table.highestVersion(series)).toBe(1);
  });

  it('skips tasks too long for a store, and activations under the key of another task', async () => {
    const task = 'ü'.repeat(128);
    const long = { ...activation(1, 'pinned'), task };
    await table.apply([
      headRecord({ ...trained(1), task }),
      record(topics.serving, task, serving.encode(long)),
      record(topics.serving, 'other', serving.encode(activation(1, 'pinned'))),
      headRecord(trained(1)),
    ]);
    expect([...table.tasks()]).toEqual(['digit']);
  });
});
