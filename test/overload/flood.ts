/** Sends images over HTTP at a fixed rate, independently of the responses. */
import { Agent, request } from 'node:http';

export interface FloodReport {
  readonly offered: number;
  /** Ids with a response of 202. */
  readonly accepted: readonly string[];
  /** Other responses by status, or by the system's error code without a response. */
  readonly refused: Readonly<Record<string, number>>;
  /** 503 or 429 without Retry-After. */
  readonly withoutRetryAfter: number;
  /** Not sent, since the client had too many requests in flight. */
  readonly skipped: number;
}

export interface FloodOptions {
  readonly url: string;
  readonly bodies: readonly Buffer[];
  readonly prefix: string;
  readonly perSecond: number;
  readonly seconds: number;
  readonly signal: AbortSignal;
}

const tickMs = 20;
/** More requests than ingest accepts at once, but not more connections, which it could only close. */
const mostUnderWay = 1_000;

export async function flood(options: FloodOptions): Promise<FloodReport> {
  const agent = new Agent({ keepAlive: true, maxSockets: mostUnderWay });
  const accepted: string[] = [];
  const refused: Record<string, number> = {};
  const underWay = new Set<Promise<void>>();
  let [offered, skipped, withoutRetryAfter] = [0, 0, 0];
  const started = performance.now();
  const end = started + options.seconds * 1_000;
  while (performance.now() < end && !options.signal.aborted) {
    const due = Math.floor(((performance.now() - started) / 1_000) * options.perSecond);
    for (; offered < due; offered += 1) {
      if (underWay.size >= mostUnderWay) {
        skipped += 1;
        continue;
      }
      const id = `${options.prefix}-${offered}`;
      const body = options.bodies[offered % options.bodies.length] ?? Buffer.alloc(0);
      const sent = send(agent, options.url, id, body).then(({ status, retryAfter }) => {
        if (status === '202') accepted.push(id);
        else refused[status] = (refused[status] ?? 0) + 1;
        if ((status === '503' || status === '429') && retryAfter === undefined) withoutRetryAfter += 1;
      });
      underWay.add(sent);
      void sent.finally(() => underWay.delete(sent));
    }
    await new Promise((resolve) => setTimeout(resolve, tickMs));
  }
  await Promise.all(underWay);
  agent.destroy();
  return { offered, accepted, refused, withoutRetryAfter, skipped };
}

interface Answer {
  readonly status: string;
  readonly retryAfter: string | undefined;
}

function send(agent: Agent, url: string, id: string, body: Buffer): Promise<Answer> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'image/jpeg', 'content-length': body.length };
    const sent = request(
      new URL(`/v1/images?id=${id}`, url),
      { method: 'POST', agent, headers },
      (answer) => {
        answer.resume();
        answer.once('close', () =>
          resolve({ status: String(answer.statusCode), retryAfter: answer.headers['retry-after'] }),
        );
      },
    );
    sent.once('error', ({ code }: NodeJS.ErrnoException) =>
      resolve({ status: code ?? 'error', retryAfter: undefined }),
    );
    sent.end(body);
  });
}
