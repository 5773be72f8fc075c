/** Decoders that die while extract works: on Linux, where the processes that this one has started can be found. */
import { existsSync, readFileSync } from 'node:fs';
import { createMemoryLog } from '@headwater/log';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { startExtract } from './service.ts';
import { imageReceived, openExtractFixture, until } from './testing/extract-fixture.ts';

const children = `/proc/${process.pid}/task/${process.pid}/children`;

function decoders(): number[] {
  const pids = readFileSync(children, 'utf8').split(' ').filter(Boolean).map(Number);
  return pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('decoder-process');
    } catch {
      return false;
    }
  });
}

it.skipIf(!existsSync(children))('goes on, and loses no image, when decoders crash under it', async () => {
  const fixture = await openExtractFixture(createMemoryLog(), 'decoders.');
  const service = await startExtract(fixture.config({ DECODER_PROCESSES: '2' }), fixture.dependencies());
  const send = async (from: number, to: number) => {
    for (let image = from; image < to; image += 1) {
      const create = {
        width: 600,
        height: 400,
        channels: 3,
        background: { r: image, g: 90, b: 30 },
      } as const;
      const jpeg = await sharp({ create }).jpeg().toBuffer();
      const id = `image-${image}`;
      await fixture.send([{ key: id, value: fixture.codec.encode(imageReceived(id, jpeg)) }]);
    }
  };
  let killed = 0;
  for (let round = 0; round < 4; round += 1) {
    await send(round * 10, round * 10 + 5);
    await until(() => decoders().length > 0);
    const [pid = 0] = decoders();
    process.kill(pid, 'SIGSEGV');
    killed += 1;
    await send(round * 10 + 5, round * 10 + 10);
    await until(async () => (await fixture.vectors()).length === (round + 1) * 10);
  }
  expect(killed).toBe(4);
  expect(await fixture.deadLetters()).toEqual([]);
  await service.stop();
  await until(() => decoders().length === 0);
  await fixture.close();
});
