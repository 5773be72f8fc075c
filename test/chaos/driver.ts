/**
 * Sends the stream over HTTP as a client with at-least-once delivery: retries until 202. It records the accepted
 * items and the number of attempts.
 */
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Operation } from './plan.ts';

/** The result of one operation. */
export interface Sent {
  readonly operation: Operation;
  /** Attempts that may have written a record: all but refused connections. */
  readonly attempts: number;
}

export interface DriverOptions {
  readonly url: string;
  readonly task: string;
  readonly bytesOf: (index: number) => Buffer;
  /** What `assignedAt` of the plan is counted from: milliseconds since the epoch. */
  readonly epoch: number;
  readonly signal: AbortSignal;
}

const atOnce = 24;
const answerMs = 20_000;
const pauseMs = 150;

export class Driver {
  readonly #options: DriverOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  readonly #waiting: (() => void)[] = [];
  #free = atOnce;
  readonly sent: Sent[] = [];

  constructor(options: DriverOptions) {
    this.#options = options;
  }

  /** Sends evenly over `spreadMs`. Resolves when all were accepted. Errors: a response that a retry cannot change. */
  async send(operations: readonly Operation[], spreadMs = 0): Promise<void> {
    const { signal } = this.#options;
    const sendAt = async (operation: Operation, index: number) => {
      await sleep((index / operations.length) * spreadMs, undefined, { signal });
      await this.#inPlace(() => this.#sendOne(operation));
    };
    await Promise.all(operations.map(sendAt));
  }

  close(): void {
    this.#agent.destroy();
  }

  async #inPlace(work: () => Promise<void>): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }

  async #sendOne(operation: Operation): Promise<void> {
    for (let attempts = 0; ; ) {
      this.#options.signal.throwIfAborted();
      const answer = await this.#ask(operation);
      if (answer !== 'nobody') attempts++;
      if (typeof answer === 'object') {
        if (answer.status === 202) {
          this.sent.push({ operation, attempts });
          return;
        }
        if (answer.status < 500) throw new Error(`ingest answered ${answer.status}: ${answer.body}`);
      }
      await sleep(pauseMs * (0.5 + Math.random()), undefined, { signal: this.#options.signal });
    }
  }

  /** `nobody`: the connection was refused. `nothing`: it broke, or timed out. */
  #ask(operation: Operation): Promise<{ status: number; body: string } | 'nobody' | 'nothing'> {
    const { path, method, type, body } = this.#question(operation);
    return new Promise((resolve) => {
      const headers = { 'content-type': type, 'content-length': body.length };
      const signal = AbortSignal.any([this.#options.signal, AbortSignal.timeout(answerMs)]);
      const asked = request(new URL(path, this.#options.url), {
        method,
        agent: this.#agent,
        headers,
        signal,
      });
      asked.once('error', (error: NodeJS.ErrnoException) =>
        resolve(error.code === 'ECONNREFUSED' ? 'nobody' : 'nothing'),
      );
      asked.once('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', () => resolve('nothing'));
        response.once('aborted', () => resolve('nothing'));
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
        );
      });
      asked.end(body);
    });
  }

  #question(operation: Operation) {
    const { task, bytesOf, epoch } = this.#options;
    if (operation.kind === 'image') {
      const query = new URLSearchParams({ id: operation.imageId, source: 'chaos' });
      if (operation.label !== null) {
        query.set('task', task);
        query.set('label', operation.label);
      }
      return {
        method: 'POST',
        path: `/v1/images?${query}`,
        type: 'image/png',
        body: bytesOf(operation.index),
      };
    }
    const { imageId, label, annotator, assignedAt } = operation;
    const statement = { label, annotator, assignedAt: epoch + assignedAt };
    const body = Buffer.from(JSON.stringify(statement));
    return { method: 'PUT', path: `/v1/images/${imageId}/labels/${task}`, type: 'application/json', body };
  }
}
