import { spawnSync } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { HeadwaterError } from '@headwater/errors';
import { expect, test } from 'vitest';
import { createLogger, type LoggerOptions } from './logger.ts';

function collect(options: Partial<LoggerOptions> = {}) {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => lines.push(JSON.parse(line)) };
  return { lines, logger: createLogger({ name: 'test', destination, ...options }) };
}

function hashed(imageIdsKey: string | undefined): Partial<LoggerOptions> {
  return { imageIds: 'hashed', imageIdsKey };
}

test('writes one object per line with level, time and fields, also those of the parent', () => {
  const { lines, logger } = collect();
  logger.child({ partition: 3 }).info({ topic: 'images', offset: 12n }, 'committed');
  expect(lines).toEqual([
    expect.objectContaining({
      level: 'info',
      name: 'test',
      partition: 3,
      topic: 'images',
      offset: 12,
      msg: 'committed',
    }),
  ]);
  expect(Date.parse(String(lines[0]?.time))).toBeGreaterThan(0);
});

test('writes nothing below its level', () => {
  const { lines, logger } = collect({ level: 'warn' });
  logger.info({}, 'no');
  logger.warn({}, 'yes');
  expect(lines.map(({ msg }) => msg)).toEqual(['yes']);
});

test('writes neither secrets nor payloads', () => {
  const { lines, logger } = collect();
  logger.info(
    {
      password: 'hunter2',
      kafka: { sasl: { username: 'me', password: 'hunter2' } },
      headers: { authorization: 'hunter2' },
    },
    'connecting',
  );
  logger.info({ value: Buffer.from('hunter2'), vector: new Float32Array(3) }, 'received');
  expect(JSON.stringify(lines)).not.toContain('hunter2');
  expect(lines[1]).toMatchObject({ value: '<7 bytes>', vector: '<12 bytes>' });
});

test('writes code, verdict, context and causes of errors, and omits other fields', () => {
  const { lines, logger } = collect();
  const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED', request: { body: 'hunter2' } });
  const error = new HeadwaterError('log-unavailable', 'Kafka does not answer', {
    cause,
    context: { broker: 'a:1' },
  });
  logger.error({ error }, 'retrying');
  expect(lines[0]?.error).toMatchObject({
    code: 'log-unavailable',
    verdict: 'retry',
    context: { broker: 'a:1' },
    cause: { code: 'ECONNREFUSED', message: 'refused' },
  });
  expect(JSON.stringify(lines)).not.toContain('hunter2');
});

test('writes image ids as they are by default', () => {
  const { lines, logger } = collect();
  logger.info({ imageId: 'holiday-1.jpg' }, 'received');
  expect(lines[0]).toMatchObject({ imageId: 'holiday-1.jpg' });
});

test('hashes image ids, keys and ids in errors alike in every process with the same key', () => {
  const [one, other] = [collect(hashed('our key')), collect(hashed('our key'))];
  one.logger.child({ imageId: 'holiday-1.jpg' }).info({ key: 'holiday-1.jpg' }, 'received');
  const error = new HeadwaterError('image-unreadable', 'not an image', { context: { id: 'holiday-1.jpg' } });
  other.logger.error({ error, imageUri: 's3://images/holiday-1.jpg' }, 'failed');
  const hash = createHmac('sha256', 'our key').update('holiday-1.jpg').digest('hex').slice(0, 16);
  expect(one.lines[0]).toMatchObject({ imageId: hash, key: hash });
  expect(other.lines[0]).toMatchObject({ error: { context: { id: hash } } });
  expect(JSON.stringify([one.lines, other.lines])).not.toContain('holiday');
});

test('hashes image ids with another key, or without one, to other values', () => {
  const hashes = [hashed('our key'), hashed('their key'), hashed(undefined)].map((options) => {
    const { lines, logger } = collect(options);
    logger.info({ imageId: 'holiday-1.jpg' }, 'received');
    return lines[0]?.imageId;
  });
  expect(new Set(hashes).size).toBe(3);
  expect(hashes[2]).toBe(createHash('sha256').update('holiday-1.jpg').digest('hex').slice(0, 16));
});

test('limits a cycle of causes', () => {
  const { lines, logger } = collect();
  const error = new Error('round');
  error.cause = error;
  logger.error({ error }, 'failed');
  expect(lines).toHaveLength(1);
});

test.each(['json', 'pretty'] as const)(
  '%s goes to standard error, complete even before an exit',
  (format) => {
    const script = `
    import { createLogger } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)};
    const logger = createLogger({ name: 'last', format: '${format}' });
    for (let i = 0; i < 200; i++) logger.info({ i }, 'words');
    process.exit(0);`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
    });
    expect(stdout).toBe('');
    expect(stderr.match(/words/g)).toHaveLength(200);
    expect(stderr.startsWith('{')).toBe(format === 'json');
  },
);
