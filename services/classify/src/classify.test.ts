import { createMemoryLog } from '@headwater/stream';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually, Rig, vectorOf } from './testing/rig.ts';

let rig: Rig;
afterEach(() => rig.close());

describe('classify on the log in memory', () => {
  it('learns from labels, publishes heads and answers with them', async () => {
    rig = await Rig.open({ log: createMemoryLog() });
    const service = await rig.start();
    for (let image = 0; image < 30; image++) await rig.sendVector(`i${image}`, vectorOf(image % 3, image));
    for (let image = 0; image < 30; image++) await rig.sendLabel(`i${image}`, `c${image % 3}`);
    const settled = await rig.settled(30);
    expect(settled.classes).toEqual(['c0', 'c1', 'c2']);

    await eventually(async () => {
      const answer = await fetch(`${service.url}/v1/tasks/digit/head`);
      return answer.ok && ((await answer.json()) as { version: number }).version === settled.version;
    });
    await rig.sendVector('new', vectorOf(1, 99));
    const prediction = await eventually(async () =>
      (await rig.predictions()).find(({ imageId, head }) => imageId === 'new' && head !== null),
    );
    expect(prediction).toMatchObject({
      label: 'c1',
      head: { version: settled.version, digest: settled.digest },
    });
    expect(await rig.predictions()).toHaveLength(31);
    await service.stop();
    await service.stopped;
  });
});
