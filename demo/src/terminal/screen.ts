/**
 * What a person sees while a run goes on, always on standard error: a progress bar on a terminal, a plain line
 * every few seconds elsewhere (a CI log full of carriage returns helps nobody). Standard output is for results.
 */
import { SingleBar } from 'cli-progress';
import { imagesPerSecondOf, lagOf, type RunStatistics } from '../run/run-statistics.ts';
import { createRateMeter } from './rate-meter.ts';

export interface ScreenStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Screen {
  /** A line of its own, above the bar. */
  say(line: string): void;
  /** Shows the run's progress until `stop` is called. */
  watch(tally: RunStatistics): { stop(): void };
}

export interface ScreenOptions {
  readonly stream: ScreenStream;
  /** Milliseconds between looks at the tally: 200 for a bar, 5,000 for lines. */
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
    watch(tally) {
      const meter = createRateMeter(5000);
      const show = stream.isTTY === true ? createBar(stream, tally) : createLines(stream, tally);
      above = show.say;
      const look = () => {
        meter.reach(tally.predicted);
        show.update(meter.perSecond);
      };
      look();
      const timer = setInterval(look, interval ?? (stream.isTTY === true ? 200 : 5000));
      return {
        stop() {
          clearInterval(timer);
          look();
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

function createLines(stream: ScreenStream, tally: RunStatistics): Show {
  let last = '';
  return {
    update() {
      const line = describeRunStatistics(tally, imagesPerSecondOf(tally));
      if (line !== last) stream.write(`${line}\n`);
      last = line;
    },
    say: (line) => void stream.write(`${line}\n`),
    end: () => undefined,
  };
}

function createBar(stream: ScreenStream, tally: RunStatistics): Show {
  const bar = new SingleBar({
    stream,
    format: '{bar} {line}',
    barsize: 24,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    // Ctrl-C belongs to the command, which stops the services first.
    gracefulExit: false,
    clearOnComplete: false,
  });
  const done = () => tally.predicted + tally.deadLettered;
  bar.start(Math.max(1, tally.total), 0, { line: '' });
  return {
    update(perSecond) {
      bar.setTotal(Math.max(1, tally.total));
      bar.update(done(), { line: describeRunStatistics(tally, perSecond) });
    },
    say(line) {
      stream.write(`\r\u001b[2K${line}\n`);
      bar.render();
    },
    end: () => bar.stop(),
  };
}

/** One line: images, speed, lag, labels, head and accuracy. */
export function describeRunStatistics(tally: RunStatistics, perSecond: number): string {
  const { accuracy } = tally.served.last;
  const refused = [...tally.refused.values()].reduce((sum, count) => sum + count, 0);
  const parts = [
    `${tally.predicted + tally.deadLettered}/${tally.total} images`,
    `${perSecond.toFixed(0)}/s`,
    `lag ${lagOf(tally)}`,
    `labels ${tally.labelled}`,
    tally.headVersion === null ? 'no head yet' : `head v${tally.headVersion}`,
    accuracy === null ? 'accuracy –' : `accuracy ${(accuracy * 100).toFixed(1)} %`,
    ...(tally.deadLettered > 0 ? [`dead letters ${tally.deadLettered}`] : []),
    ...(refused > 0 ? [`refused ${refused}`] : []),
  ];
  return parts.join(' · ');
}
