/** Progress of a training: a bar on a terminal, else a line every few seconds. */
import type { TrainingProgress } from '@headwater/tfjs/training';
import { SingleBar } from 'cli-progress';
import type { TerminalStream } from '../../terminal/console.ts';

export interface TrainingBar {
  readonly update: (progress: TrainingProgress) => void;
  readonly stop: () => void;
}

const linesEveryMs = 5000;

export function createTrainingBar(stream: TerminalStream): TrainingBar {
  return stream.isTTY === true ? createBar(stream) : createLines(stream);
}

function createBar(stream: TerminalStream): TrainingBar {
  const format = '{bar} {percentage} % · round {round} · loss {loss} · {eta_formatted} to go';
  const bar = new SingleBar({ stream, format, hideCursor: true, etaBuffer: 100 });
  let started = false;
  return {
    update({ images, total, round, loss }) {
      const payload = { round, loss: loss.toFixed(4) };
      if (started) bar.update(images, payload);
      else bar.start(total, images, payload);
      started = true;
    },
    stop: () => bar.stop(),
  };
}

function createLines(stream: TerminalStream): TrainingBar {
  let last = 0;
  return {
    update({ images, total, round, loss }) {
      if (performance.now() - last < linesEveryMs && images < total) return;
      last = performance.now();
      stream.write(`round ${round}: ${images} of ${total} images, loss ${loss.toFixed(4)}\n`);
    },
    stop: () => {},
  };
}
