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

test('a stop that fails or hangs is named, and the others are stopped all the same', async () => {
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

test('a part that fails to stop counts more than one that is late', async () => {
  const lifecycle = createLifecycle(logger);
  const { part } = record();
  const close = () => {
    throw new Error('no');
  };
  await lifecycle.open({ ...part('failing'), close });
  await lifecycle.open({ ...part('hanging'), close: never, closeSeconds: 0.02 });
  await expect(lifecycle.close()).rejects.toMatchObject({ code: 'unexpected', message: 'no' });
});

test('a start that hangs is named, and is undone when it comes after all', async () => {
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

test('what is being opened when all is closed is closed too, and nothing is opened after', async () => {
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
  await expect(lifecycle.open(part('b'))).rejects.toThrow('b is opened while the process stops');
});

test('a failed start is passed on, and there is nothing of it to stop', async () => {
  const lifecycle = createLifecycle(logger);
  const { events, part } = record();
  const open = () => {
    throw new Error('no');
  };
  await expect(lifecycle.open({ ...part('a'), open })).rejects.toThrow('no');
  await lifecycle.close();
  expect(events).toEqual([]);
});

test('says which part is still starting', async () => {
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
      expect.objectContaining({ level: 'warn', part: 'the log', msg: 'a part is still starting' }),
    ),
  );
  arrive();
  await opening;
  expect(vi.getTimerCount()).toBe(0);
});
