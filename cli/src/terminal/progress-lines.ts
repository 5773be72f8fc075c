/** Progress on standard error: one line that is rewritten on a terminal, else a line every few seconds. */
import type { OnProgress } from '@headwater/classify/rebuild';
import type { TerminalStream } from './console.ts';

export interface ProgressLines {
  readonly show: OnProgress;
  /** Clears the line on a terminal. */
  end(): void;
}

/** Milliseconds between lines. */
const intervals = { terminal: 200, elsewhere: 5_000 };

export function createProgressLines(stream: TerminalStream): ProgressLines {
  const isTerminal = stream.isTTY === true;
  let nextAt = Date.now() + (isTerminal ? 0 : intervals.elsewhere);
  let isOpen = false;
  return {
    show({ stage, done, total }) {
      const now = Date.now();
      if (now < nextAt) return;
      nextAt = now + (isTerminal ? intervals.terminal : intervals.elsewhere);
      const of = total === undefined ? '' : ` of ${total.toLocaleString('en')}`;
      const text = `${stage}: ${done.toLocaleString('en')}${of}`;
      stream.write(isTerminal ? `\r\u001b[K${text}` : `${text}\n`);
      isOpen = isTerminal;
    },
    end() {
      if (isOpen) stream.write('\r\u001b[K');
      isOpen = false;
    },
  };
}
