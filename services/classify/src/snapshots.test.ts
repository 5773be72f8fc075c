import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createMemoryLog } from '@headwater/log';
import type { Service } from '@headwater/service-kit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClassifyFixture, dayOne, eventually, vectorOf } from './testing/classify-fixture.ts';
import { nothingIn } from './testing/erasure.ts';

const erased = 'secret-image';
const often = { STORE_SNAPSHOTS: '1s' };
let fixture: ClassifyFixture;
beforeEach(async () => {
  fixture = await ClassifyFixture.open({ log: createMemoryLog() });
});
afterEach(() => fixture.close());

async function send(from: number, to: number): Promise<void> {
  for (let image = from; image < to; image++) {
    await fixture.sendVector(`i${image}`, vectorOf(image % 3, image));
    await fixture.sendLabel(`i${image}`, `c${image % 3}`);
  }
  await eventually(async () => (await fixture.predictions()).length >= to);
}

/** Waits until every partition has a snapshot. */
async function snapshotted(): Promise<void> {
  await eventually(async () => {
    const written = fixture.logged.filter(({ msg }) => msg === 'snapshot of a local store written');
    return new Set(written.map(({ role, partition }) => `${role} ${partition}`)).size === 6;
  });
}

async function loseDisk(service: Service): Promise<void> {
  await service.stop();
  for (const role of ['join', 'train']) rmSync(join(fixture.dataDir, role), { recursive: true });
}

/** Restarts on an empty disk; returns what was logged of each partition that was opened. */
async function restart(service: Service, environment: Readonly<Record<string, string>>) {
  await loseDisk(service);
  const from = fixture.logged.length;
  const next = await fixture.start(environment);
  const opened = fixture.logged.slice(from).filter(({ msg }) => msg === 'partition opened');
  return { next, opened };
}

/** The settled head after a label was changed, and changed back. */
async function solvedAgain(examples: number, at: number) {
  const before = await fixture.settled(examples);
  await fixture.sendLabel('i0', 'c1', { assignedAt: dayOne + at });
  const other = await eventually(async () => {
    const head = await fixture.settled(examples);
    return head.setDigest !== before.setDigest && head;
  });
  await fixture.sendLabel('i0', 'c0', { assignedAt: dayOne + at + 1 });
  return eventually(async () => {
    const head = await fixture.settled(examples);
    return head.version > other.version && head;
  });
}

describe('an empty disk', () => {
  it('comes to the same digests from snapshots as from the topics', async () => {
    const first = await fixture.start(often);
    await send(0, 9);
    await fixture.settled(9);
    await snapshotted();
    await first.stop();
    const later = await fixture.start({ STORE_SNAPSHOTS: 'off' });
    await send(9, 15);
    const before = await fixture.settled(15);
    const restored = await restart(later, often);
    expect(restored.opened).toHaveLength(6);
    for (const line of restored.opened) expect(line.snapshot).toBeDefined();
    expect(restored.opened.some(({ outcome }) => outcome === 'rolled-forward')).toBe(true);
    const fromSnapshots = await solvedAgain(15, 5_000);
    const replayed = await restart(restored.next, { STORE_SNAPSHOTS: 'off' });
    for (const line of replayed.opened) expect(line.snapshot).toBeUndefined();
    const fromTopics = await solvedAgain(15, 6_000);
    for (const head of [fromSnapshots, fromTopics]) {
      expect([head.setDigest, head.digest]).toEqual([before.setDigest, before.digest]);
    }
    expect(await fixture.predictions()).toHaveLength(15);
  });

  it('gets nothing back of an image that was erased after the snapshot, and the snapshot goes', async () => {
    const first = await fixture.start(often);
    await send(0, 9);
    await fixture.sendVector(erased, vectorOf(1, 77));
    await fixture.sendLabel(erased, 'c2');
    await fixture.settled(10);
    await snapshotted();
    const blobs = join(fixture.dataDir, 'blobs', 'snapshots');
    await eventually(async () => bytesBelow(blobs).includes(erased));
    await first.stop();
    const later = await fixture.start({ STORE_SNAPSHOTS: 'off' });
    await fixture.erase(erased);
    const after = await fixture.settled(9);
    const { next, opened } = await restart(later, often);
    for (const line of opened) expect(line.snapshot).toBeDefined();
    await eventually(async () => !bytesBelow(blobs).includes(erased));
    const head = await solvedAgain(9, 5_000);
    expect([head.setDigest, head.digest]).toEqual([after.setDigest, after.digest]);
    await next.stop();
    await nothingIn(join(fixture.dataDir, 'join'));
    await nothingIn(join(fixture.dataDir, 'train'));
  });
});

function bytesBelow(folder: string): string {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((one) => one.isFile())
    .map((one) => {
      try {
        return readFileSync(join(one.parentPath, one.name)).toString('latin1');
      } catch {
        // Deleted since it was listed.
        return '';
      }
    })
    .join();
}
