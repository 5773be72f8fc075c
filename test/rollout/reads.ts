/** A client that reads over the balancer all the time and honours Retry-After. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface ReadCounts {
  readonly answered: number;
  /** Answers of 503 with Retry-After, after which the client asked again. */
  readonly retried: number;
  /** Answers that are neither 200 nor 503, broken connections, and reads without an answer after a minute. */
  readonly failed: number;
  /** The failures by path and status, the first ones. */
  readonly failures: readonly string[];
  /** Of one read, retries included. */
  readonly longestSeconds: number;
}

const pauseMs = 50;
const longestMs = 60_000;
const shownFailures = 10;

export class Reader {
  readonly #counts = { answered: 0, retried: 0, failed: 0, longestSeconds: 0 };
  readonly #failures: string[] = [];
  readonly #end = new AbortController();
  readonly #reading: Promise<void>;

  /** `next` returns the URL of the next read; undefined while there is none. */
  constructor(next: () => URL | undefined) {
    this.#reading = this.#readAll(next);
  }

  async close(): Promise<ReadCounts> {
    this.#end.abort();
    await this.#reading;
    return { ...this.#counts, failures: this.#failures };
  }

  async #readAll(next: () => URL | undefined): Promise<void> {
    while (!this.#end.signal.aborted) {
      const url = next();
      if (url !== undefined) await this.#read(url);
      await sleep(pauseMs);
    }
  }

  async #read(url: URL): Promise<void> {
    const began = performance.now();
    for (;;) {
      const answer = await ask(url);
      const waited = performance.now() - began;
      if (answer.retryAfterMs !== undefined && waited < longestMs) {
        this.#counts.retried += 1;
        await sleep(answer.retryAfterMs);
        continue;
      }
      this.#counts.longestSeconds = Math.max(this.#counts.longestSeconds, Math.round(waited / 10) / 100);
      if (answer.status === '200') this.#counts.answered += 1;
      else this.#fail(`${url.pathname}: ${answer.status}`);
      return;
    }
  }

  #fail(what: string): void {
    this.#counts.failed += 1;
    if (this.#failures.length < shownFailures) this.#failures.push(what);
  }
}

async function ask(url: URL): Promise<{ readonly status: string; readonly retryAfterMs?: number }> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(longestMs) });
    const text = await response.text();
    const status = response.ok ? String(response.status) : `${response.status} ${text.slice(0, 200)}`;
    const retryAfter = Number(response.headers.get('retry-after'));
    if (response.status !== 503 || !(retryAfter > 0)) return { status };
    return { status, retryAfterMs: retryAfter * 1_000 };
  } catch (error) {
    const { cause, message } = error as Error;
    return { status: cause instanceof Error ? cause.message : message };
  }
}
