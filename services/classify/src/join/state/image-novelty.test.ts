import { createMemoryLog } from '@headwater/log';
import type { ImageClassified } from '@headwater/schemas';
import { describe, expect, it } from 'vitest';
import { Draft } from '../../store/state.ts';
import { ClassifyFixture, dimensions, eventually } from '../../testing/classify-fixture.ts';
import { InMemoryState } from '../../testing/in-memory-state.ts';
import type { NoveltySummary } from '../monitoring/join-metrics.ts';
import { type NoveltyUpdate, readNovelties, watchNovelty } from './image-novelty.ts';

let images = 0;

function answered(novelty: number | null, kind: 'lda' | 'ncm' = 'lda'): ImageClassified {
  return {
    imageId: 'i',
    task: 'digit',
    extractor: 'eight.v1',
    head: { kind, version: 1, digest: '' },
    label: 'a',
    abstained: false,
    probabilities: {},
    novelty,
    receivedAt: 1,
    predictedAt: images++,
  };
}

const even = (index: number) => (index % 200) / 200;
const high = (index: number) => 0.6 + even(index) * 0.4;

let seed = 1;
/** A linear congruential generator: each run of the test has the same numbers. */
function random(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
}

function cloud(kind: number): number[] {
  return Array.from(
    { length: dimensions },
    (_, j) => (j === kind ? 1 : 0.2) + 0.6 * (random() + random() - 1),
  );
}

class Watch {
  readonly state = new InMemoryState();

  /** Each image in a batch of its own. */
  take(
    novelties: readonly (number | null)[],
    references = 1_000,
    kind: 'lda' | 'ncm' = 'lda',
  ): NoveltyUpdate[] {
    return novelties.flatMap((novelty) => {
      const draft = new Draft(this.state);
      const news = watchNovelty(draft, answered(novelty, kind), references);
      this.state.commit((own) => own.absorb(draft));
      return news ?? [];
    });
  }

  get known() {
    return readNovelties(this.state).get('digit');
  }
}

const blockOf = (novelty: (index: number) => number) => Array.from({ length: 200 }, (_, i) => novelty(i));

describe('the novelty of images, labelled or not', () => {
  it('is judged block by block; only a rise is a drift', () => {
    const watch = new Watch();
    const novelties = [even, high, high, even, high].flatMap(blockOf);
    const news = watch.take(novelties);
    expect(news.map(({ verdict }) => verdict.shifted)).toEqual([false, true, true, false, true]);
    expect(news.map(({ isDrift }) => isDrift)).toEqual([false, true, false, false, true]);
    expect(watch.known).toMatchObject({ blocks: 5, drifts: 2, last: { shifted: true, at: images - 1 } });
    const drift = { extractor: 'eight.v1', kind: 'lda', from: 0.5, to: expect.closeTo(0.8, 2) };
    const [second, first] = [images - 1, images - 601];
    expect(watch.known?.driftEvents).toEqual([
      { at: second, ...drift },
      { at: first, ...drift },
    ]);
  });

  it('keeps the newest ten drifts, also for another kind of head and after a state without any', () => {
    const watch = new Watch();
    for (let at = 0; at < 12; at++) watch.take([...blockOf(even), ...blockOf(high)]);
    watch.take(blockOf(high), 1_000, 'ncm');
    const { drifts, driftEvents = [] } = watch.known ?? {};
    expect([drifts, driftEvents.length, driftEvents[0]?.kind]).toEqual([13, 10, 'ncm']);
    const times = driftEvents.map(({ at }) => at);
    expect(times).toEqual([...times].sort((a, b) => b - a));
    const [former] = [...watch.state.range('')];
    const header = former?.value.subarray(4, 4 + former.value.readUInt32LE(0)).toString() ?? '';
    const { driftEvents: _, ...rest } = JSON.parse(header) as Record<string, unknown>;
    const bytes = Buffer.from(JSON.stringify(rest));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    watch.state.commit((draft) => draft.put(former?.key ?? '', Buffer.concat([length, bytes])));
    watch.take([...blockOf(even), ...blockOf(high)], 1_000, 'ncm');
    expect(watch.known).toMatchObject({ drifts: 14, driftEvents: [{ kind: 'ncm' }] });
  });

  it('stores one block at most', () => {
    const watch = new Watch();
    watch.take(Array.from({ length: 1_999 }, (_, i) => even(i)));
    const bytes = [...watch.state.range('')].map(({ value }) => value.length);
    expect(bytes).toHaveLength(1);
    expect(Math.max(...bytes)).toBeLessThan(200 * 8 + 500);
    expect(watch.take([0.5])).toHaveLength(1);
  });

  it('is not recorded where the head reports none', () => {
    const watch = new Watch();
    expect(watch.take(Array.from({ length: 400 }, () => null))).toEqual([]);
    expect(watch.take(blockOf(high), 199)).toEqual([]);
    expect(watchNovelty(new Draft(watch.state), { ...answered(0.9), head: null }, 9)).toBeUndefined();
    expect(watch.known).toBeUndefined();
  });

  it('begins a new block with another kind of head, and requires more evidence with few references', () => {
    const watch = new Watch();
    watch.take(blockOf(high).slice(0, 150));
    expect(watch.take(blockOf(even).slice(0, 199), 1_000, 'ncm')).toEqual([]);
    expect(watch.take([even(199)], 1_000, 'ncm')).toMatchObject([{ kind: 'ncm', isDrift: false }]);
    const leaning = (index: number) => 0.15 + even(index) * 0.85;
    expect(new Watch().take(blockOf(leaning))[0]?.isDrift).toBe(true);
    const few = new Watch();
    few.take([leaning(0)], 200);
    expect(few.take(blockOf(leaning).slice(1))[0]?.isDrift).toBe(false);
  });

  it('needs no label after the head has learned, and survives a restart', async () => {
    const fixture = await ClassifyFixture.open({ log: createMemoryLog(), partitions: 1 });
    try {
      let service = await fixture.start();
      for (let i = 0; i < 300; i++) {
        await fixture.sendVector(`i${i}`, cloud(i % 3));
        await fixture.sendLabel(`i${i}`, `c${i % 3}`);
      }
      await fixture.settled(300);
      await eventually(async () => {
        const { body } = await fixture.api<{ head: { mode: string; examples: number } | null }>(
          service,
          '/v1/tasks/digit',
        );
        return body.head?.mode === 'settled' && body.head.examples === 300;
      });
      const novelty = async (blocks: number) =>
        eventually(async () => {
          const { body } = await fixture.api<{ novelty: NoveltySummary }>(
            service,
            '/v1/tasks/digit/measurements',
          );
          return body.novelty.blocks >= blocks && body.novelty;
        });
      for (let i = 0; i < 200; i++) await fixture.sendVector(`alike${i}`, cloud(i % 3));
      expect(await novelty(1)).toMatchObject({ drifts: 0 });
      await service.stop();
      service = await fixture.start();
      for (let i = 0; i < 400; i++) await fixture.sendVector(`other${i}`, cloud(6));
      const shown = await novelty(2);
      expect(shown).toMatchObject({ drifts: 1, shiftedPartitions: 1 });
      expect(shown.mean).toBeGreaterThan(0.8);
      expect(shown.driftEvents).toMatchObject([{ extractor: 'eight.v1', kind: 'lda', from: 0.5 }]);
      expect(shown.driftEvents[0]?.at).toBeGreaterThan(Date.now() - 600_000);
      expect(shown.judgedAt).toBeGreaterThanOrEqual(shown.driftEvents[0]?.at ?? 0);
      const told = fixture.logged.filter(
        ({ msg }) => msg === 'novelty has risen: images differ from the learned examples',
      );
      expect(told).toMatchObject([{ task: 'digit', extractor: 'eight.v1', kind: 'lda', partition: 0 }]);
    } finally {
      await fixture.close();
    }
  });
});
