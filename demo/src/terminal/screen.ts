/**
 * Progress of a run on standard error: a bar on a terminal, else a plain line every few seconds, without
 * carriage returns. Standard output is for results.
 */
import { SingleBar } from 'cli-progress';
import { imagesPerSecondOf, lagOf, type RunStatistics } from '../statistics/run-statistics.ts';
import { createRateMeter } from './rate-meter.ts';

export interface ScreenStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Screen {
  /** Prints a line above the bar. */
  say(line: string): void;
  /** Shows the run's progress until `stop` is called. */
  watch(statistics: RunStatistics): { stop(): void };
}

interface ScreenOptions {
  readonly stream: ScreenStream;
  /** Milliseconds between updates; default 200 for a bar, 5,000 for lines. */
  readonly interval?: number;
}

export function createScreen({ stream, interval }: ScreenOptions): Screen {
  let above: ((line: string) => void) | undefined;
  const say = (line: string) => {
    if (above !== undefined) above(line);
    else stream.write(`${line}\n`);
  };
  return {
    say,
    watch(statistics) {
      const meter = createRateMeter(5000);
      const show = stream.isTTY === true ? createBar(stream, statistics) : createLines(stream, statistics);
      above = show.say;
      const update = () => {
        meter.reach(statistics.predicted);
        show.update(meter.perSecond);
      };
      update();
      const timer = setInterval(update, interval ?? (stream.isTTY === true ? 200 : 5000));
      return {
        stop() {
          clearInterval(timer);
          update();
          show.end();
          above = undefined;
        },
      };
    },
  };
}

interface Show {
  update(perSecond: number): void;
  say(line: string): void;
  end(): void;
}

function createLines(stream: ScreenStream, statistics: RunStatistics): Show {
  let last = '';
  return {
    update() {
      const line = describeRunStatistics(statistics, imagesPerSecondOf(statistics));
      if (line !== last) stream.write(`${line}\n`);
      last = line;
    },
    say: (line) => void stream.write(`${line}\n`),
    end: () => undefined,
  };
}

function createBar(stream: ScreenStream, statistics: RunStatistics): Show {
  const bar = new SingleBar({
    stream,
    format: '{bar} {line}',
    barsize: 24,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    // The command handles Ctrl-C: it stops the services first.
    gracefulExit: false,
    clearOnComplete: false,
  });
  const done = () => statistics.predicted + statistics.deadLettered;
  bar.start(Math.max(1, statistics.total), 0, { line: '' });
  return {
    update(perSecond) {
      bar.setTotal(Math.max(1, statistics.total));
      bar.update(done(), { line: describeRunStatistics(statistics, perSecond) });
    },
    say(line) {
      stream.write(`\r\u001b[2K${line}\n`);
      bar.render();
    },
    end: () => bar.stop(),
  };
}

/** One line: images, speed, lag, labels, head and accuracy. */
export function describeRunStatistics(statistics: RunStatistics, perSecond: number): string {
  const { accuracy } = statistics.served.last;
  const refused = [...statistics.refused.values()].reduce((sum, count) => sum + count, 0);
  const parts = [
    `${statistics.predicted + statistics.deadLettered}/${statistics.total} images`,
    `${perSecond.toFixed(0)}/s`,
    `lag ${lagOf(statistics)}`,
    `labels ${statistics.labelled}`,
    statistics.headVersion === null ? 'no head yet' : `head v${statistics.headVersion}`,
    accuracy === null ? 'accuracy –' : `accuracy ${(accuracy * 100).toFixed(1)} %`,
    ...(statistics.deadLettered > 0 ? [`dead letters ${statistics.deadLettered}`] : []),
    ...(refused > 0 ? [`refused ${refused}`] : []),
  ];
  return parts.join(' · ');
}
