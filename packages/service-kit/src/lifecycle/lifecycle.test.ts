import { expect, onTestFinished, test, vi } from 'vitest';
import { createLogger } from '../logging/logger.ts';
import { createLifecycle } from './lifecycle.ts';

const logger = createLogger({ name: 'test', level: 'silent' });
const never = () => new Promise<never>(() => undefined);

function record() {
  const events: string[] = [];
  const part = (name: string) => ({
    name,
    open: () => events.push(`+${name}`),
    close: () => {
      events.push(`-${name}`);
    },
  });
  return { events, part };
}

test('stops in reverse, once', async () => {
  const lifecycle = createLifecycle(logger);
  const { events, part } = record();
  for (const name of ['a', 'b', 'c']) await lifecycle.open(part(name));
  await Promise.all([lifecycle.close(), lifecycle.close()]);
  await lifecycle.close();
  expect(events).toEqual(['+a', '+b', '+c', '-c', '-b', '-a']);
});

test('names a component whose stop fails or hangs, and stops the others', async () => {
  const lifecycle = createLifecycle(logger);
  const { events, part } = record();
  await lifecycle.open(part('a'));
  await lifecycle.open({ ...part('hanging'), close: never, closeSeconds: 0.02 });
  await lifecycle.open(part('b'));
  await expect(lifecycle.close()).rejects.toMatchObject({
    code: 'timed-out',
    verdict: 'stop',
    message: 'stopping hanging took more than 0.02 s',
  });
  expect(events.slice(3)).toEqual(['-b', '-a']);
});

test('a failed stop takes precedence over a late one', async () => {
  const lifecycle = createLifecycle(logger);
  const { part } = record();
  const close = () => {
    throw new Error('no');
  };
  await lifecycle.open({ ...part('failing'), close });
  await lifecycle.open({ ...part('hanging'), close: never, closeSeconds: 0.02 });
  await expect(lifecycle.close()).rejects.toMatchObject({ code: 'unexpected', message: 'no' });
});

test('names a component whose start hangs, and closes it when it opens late', async () => {
  const lifecycle = createLifecycle(logger);
  const { events, part } = record();
  let arrive: (part: number) => void = () => undefined;
  const open = () => new Promise<number>((resolve) => (arrive = resolve));
  const undone = new Promise<void>((resolve) => {
    const opening = lifecycle.open({ name: 'late', open, openSeconds: 0.02, close: () => resolve() });
    expect(opening)
      .rejects.toMatchObject({ message: 'starting late took more than 0.02 s' })
      .then(() => arrive(1));
  });
  await lifecycle.open(part('a'));
  await undone;
  await lifecycle.close();
  expect(events).toEqual(['+a', '-a']);
});

test('closes a component that opens during the close, and opens none afterwards', async () => {
  const lifecycle = createLifecycle(logger);
  const { events, part } = record();
  let arrive: () => void = () => undefined;
  const opening = lifecycle.open({
    ...part('slow'),
    open: () => new Promise<number>((resolve) => (arrive = () => resolve(1))),
  });
  await lifecycle.close();
  arrive();
  await opening;
  await expect.poll(() => events).toEqual(['-slow']);
  await expect(lifecycle.open(part('b'))).rejects.toThrow('b: cannot open while the process stops');
});

test('forwards a failed start and does not stop that component', async () => {
  const lifecycle = createLifecycle(logger);
  const { events, part } = record();
  const open = () => {
    throw new Error('no');
  };
  await expect(lifecycle.open({ ...part('a'), open })).rejects.toThrow('no');
  await lifecycle.close();
  expect(events).toEqual([]);
});

test('logs which component is still starting', async () => {
  vi.useFakeTimers();
  // Other files run in this process.
  onTestFinished(() => void vi.useRealTimers());
  const lines: string[] = [];
  const destination = { write: (line: string) => lines.push(line) };
  const lifecycle = createLifecycle(createLogger({ name: 'test', destination }));
  let arrive: () => void = () => undefined;
  const opening = lifecycle.open({
    name: 'the log',
    open: () => new Promise<void>((resolve) => (arrive = resolve)),
  });
  await vi.advanceTimersByTimeAsync(31_000);
  expect(lines.map((line) => JSON.parse(line))).toEqual(
    Array(2).fill(
      expect.objectContaining({ level: 'warn', part: 'the log', msg: 'component still starting' }),
    ),
  );
  arrive();
  await opening;
  expect(vi.getTimerCount()).toBe(0);
});

test('counts the time limit of a start from its last progress', async () => {
  const lifecycle = createLifecycle(logger);
  let progressedAt = 0;
  const moving = setInterval(() => (progressedAt = Date.now()), 5);
  onTestFinished(() => clearInterval(moving));
  const began = Date.now();
  const slow = () => new Promise<string>((resolve) => setTimeout(() => resolve('open'), 300));
  const options = { name: 'rebuilding', openSeconds: 0.1, progressedAt: () => progressedAt };
  expect(await lifecycle.open({ ...options, open: slow })).toBe('open');
  expect(Date.now() - began).toBeGreaterThan(200);
  clearInterval(moving);
  await expect(lifecycle.open({ ...options, open: never })).rejects.toMatchObject({
    code: 'timed-out',
    message: 'starting rebuilding made no progress for 0.1 s',
  });
});
