import { expect, it } from 'vitest';
import { type Allocate, withScratchBuffers } from './scratch-buffers.ts';

/** Holds its memory until `end` is called. */
async function hold(bytes: number) {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  let memory: Buffer = Buffer.alloc(0);
  const work = withScratchBuffers(async (allocate: Allocate) => {
    memory = allocate(bytes);
    await ended;
  });
  return {
    memory,
    end: async () => {
      end();
      await work;
    },
  };
}

it('gives memory to one image at a time, and again after its end', async () => {
  const [first, second] = [await hold(100), await hold(100)];
  expect(second.memory.buffer).not.toBe(first.memory.buffer);
  await first.end();
  const third = await hold(50);
  expect(third.memory.buffer).toBe(first.memory.buffer);
  expect(third.memory.byteLength).toBe(50);
  await Promise.all([second.end(), third.end()]);
});

it('gives memory again after work that failed', async () => {
  let memory: Buffer = Buffer.alloc(0);
  const failure = withScratchBuffers(async (allocate) => {
    memory = allocate(10);
    throw new Error('damaged');
  });
  await expect(failure).rejects.toThrow('damaged');
  const next = await hold(10);
  expect(next.memory.buffer).toBe(memory.buffer);
  await next.end();
});

it('keeps no memory of the largest files', async () => {
  const first = await hold(2 ** 21);
  await first.end();
  const second = await hold(2 ** 21);
  expect(second.memory.buffer).not.toBe(first.memory.buffer);
  await second.end();
});
