/** A console that keeps what is written to it, for tests of commands. */
import { PassThrough } from 'node:stream';
import { createLogger } from '@headwater/service-kit';
import type { Console } from '../terminal/console.ts';

export interface TestConsole extends Console {
  readonly out: () => string;
  readonly err: () => string;
}

export function createTestConsole(
  environment: Readonly<Record<string, string>> = {},
  signal: AbortSignal = new AbortController().signal,
): TestConsole {
  let [out, err] = ['', ''];
  const stderr = new PassThrough();
  stderr.on('data', (chunk) => {
    err += String(chunk);
  });
  return {
    environment,
    signal,
    stderr,
    stdout: {
      write(text) {
        out += text;
      },
    },
    createLogger: () => createLogger({ name: 'test', level: 'silent' }),
    out: () => out,
    err: () => err,
  };
}
