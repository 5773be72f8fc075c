import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createKafkaLog, createNames } from '@headwater/log';
import { createLogger } from '@headwater/service-kit';
import { expect, inject, it } from 'vitest';
import { ClassifyFixture, eventually, vectorOf } from './testing/classify-fixture.ts';

const often = { STORE_SNAPSHOTS: '1s' };
const patienceMs = 60_000;

it('restores the stores of all partitions from snapshots, behind the control records of transactions', async () => {
  const log = createKafkaLog({ brokers: inject('brokers') }, createLogger({ name: 'test', level: 'error' }));
  const prefix = `snapshots-${randomUUID()}`;
  const names = createNames({
    topicPrefix: `${prefix}.`,
    groupPrefix: `${prefix}.`,
    transactionalIdPrefix: `${prefix}.`,
  });
  const fixture = await ClassifyFixture.open({ log, names });
  try {
    const first = await fixture.start(often);
    for (let image = 0; image < 9; image++) {
      await fixture.sendVector(`i${image}`, vectorOf(image % 3, image));
      await fixture.sendLabel(`i${image}`, `c${image % 3}`);
    }
    const before = await fixture.settled(9, 'digit', patienceMs);
    await eventually(async () => {
      const written = fixture.logged.filter(({ msg }) => msg === 'snapshot of a local store written');
      return new Set(written.map(({ role, partition }) => `${role} ${partition}`)).size === 6;
    }, patienceMs);
    await first.stop();
    for (const role of ['join', 'train']) rmSync(join(fixture.dataDir, role), { recursive: true });
    const from = fixture.logged.length;
    await fixture.start(often);
    const opened = fixture.logged.slice(from).filter(({ msg }) => msg === 'partition opened');
    expect(opened).toHaveLength(6);
    for (const line of opened) expect(line.snapshot).toBeDefined();
    await fixture.sendVector('i9', vectorOf(0, 9));
    await fixture.sendLabel('i9', 'c0');
    const after = await fixture.settled(10, 'digit', patienceMs);
    expect(after.version).toBeGreaterThan(before.version);
  } finally {
    await fixture.close();
    await log.close();
  }
});
