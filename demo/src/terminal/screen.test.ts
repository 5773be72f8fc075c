import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createRunStatistics } from '../statistics/run-statistics.ts';
import { createScreen, describeRunStatistics } from './screen.ts';

function captured(isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 120 });
  const chunks: string[] = [];
  stream.on('data', (chunk) => chunks.push(String(chunk)));
  return { stream, text: () => chunks.join('') };
}

function halfWay() {
  const statistics = createRunStatistics();
  Object.assign(statistics, { total: 10, accepted: 7, predicted: 5, labelled: 4, headVersion: 3 });
  for (const answer of ['1', '2', null]) statistics.served.score(answer, '1');
  return statistics;
}

describe('the line of a run', () => {
  it('shows images, speed, lag, labels, head and accuracy', () => {
    expect(describeRunStatistics(halfWay(), 123.4)).toBe(
      '5/10 images · 123/s · lag 2 · labels 4 · head v3 · accuracy 50.0 %',
    );
  });

  it('shows missing values, dead letters and rejections', () => {
    const statistics = createRunStatistics();
    statistics.total = 10;
    statistics.deadLettered = 1;
    statistics.refused.set('image-unreadable', 2);
    expect(describeRunStatistics(statistics, 0)).toBe(
      '1/10 images · 0/s · lag 0 · labels 0 · no head yet · accuracy – · dead letters 1 · refused 2',
    );
  });
});

describe('the screen', () => {
  it('writes plain lines without a terminal, and only changed ones', async () => {
    const { stream, text } = captured(false);
    const statistics = halfWay();
    const watch = createScreen({ stream, interval: 5 }).watch(statistics);
    await new Promise((resolve) => setTimeout(resolve, 30));
    statistics.predicted = 6;
    watch.stop();
    const lines = text().trimEnd().split('\n');
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['5/10', '6/10']);
    expect(text()).not.toContain('\r');
  });

  it('draws a bar on a terminal, and lines above it', () => {
    const { stream, text } = captured(true);
    const screen = createScreen({ stream, interval: 1000 });
    const watch = screen.watch(halfWay());
    screen.say('something happened');
    watch.stop();
    expect(text()).toContain('█');
    expect(text()).toContain('something happened\n');
    expect(text()).toContain('5/10 images');
  });
});
