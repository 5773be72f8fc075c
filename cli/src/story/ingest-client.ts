/**
 * The HTTP side of the story: images and labels as any client of the ingest service would send them, with its
 * answers taken seriously (wait when it says so, and keep the reason when it refuses).
 */
import { HeadwaterError } from '@headwater/errors';

/** What became of an image: its id, or why it was refused. */
export type Acceptance =
  | { readonly accepted: true; readonly id: string }
  | { readonly accepted: false; readonly reason: string };

export interface LabelStatement {
  readonly imageId: string;
  readonly task: string;
  readonly label: string;
  readonly annotator: string;
}

export interface IngestClient {
  /** Errors: overloaded, when the service asked to wait for too long; unexpected answers. */
  sendImage(bytes: Buffer, source: string, signal: AbortSignal): Promise<Acceptance>;
  /** Errors: as for images; request-invalid when the label is refused. */
  putLabel(statement: LabelStatement, signal: AbortSignal): Promise<void>;
}

export interface IngestClientOptions {
  readonly url: string;
  /** How often a request is repeated when the service is overloaded, default 60. */
  readonly attempts?: number;
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export function createIngestClient({ url, attempts = 60 }: IngestClientOptions): IngestClient {
  /** Asks again while the service answers 503. */
  async function ask(path: string, request: RequestInit, signal: AbortSignal): Promise<Answer> {
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const response = await fetch(new URL(path, url), { ...request, signal });
      const body = await readBody(response);
      if (response.status !== 503) return { status: response.status, body };
      await pause(retryAfter(response), signal);
    }
    throw new HeadwaterError('overloaded', `${url} was overloaded ${attempts} times in a row`, {
      verdict: 'stop',
    });
  }

  return {
    async sendImage(bytes, source, signal) {
      const path = `/v1/images?source=${encodeURIComponent(source)}`;
      const headers = { 'content-type': 'application/octet-stream' };
      const answer = await ask(path, { method: 'POST', headers, body: new Uint8Array(bytes) }, signal);
      if (answer.status < 300 && typeof answer.body.id === 'string') {
        return { accepted: true, id: answer.body.id };
      }
      if (answer.status >= 400 && answer.status < 500) return { accepted: false, reason: reasonOf(answer) };
      throw unexpected('POST', path, answer);
    },
    async putLabel({ imageId, task, label, annotator }, signal) {
      const path = `/v1/images/${encodeURIComponent(imageId)}/labels/${encodeURIComponent(task)}`;
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ label, annotator });
      const answer = await ask(path, { method: 'PUT', headers, body }, signal);
      if (answer.status >= 300) throw unexpected('PUT', path, answer);
    },
  };
}

async function readBody(response: Response): Promise<Readonly<Record<string, unknown>>> {
  const text = await response.text();
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Milliseconds to wait; half a second where the service does not say. */
function retryAfter(response: Response): number {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) ? Math.min(seconds, 10) * 1000 : 500;
}

/** A problem document's code, else its title, else the status. */
function reasonOf({ status, body }: Answer): string {
  const reason = body.code ?? body.title;
  return typeof reason === 'string' ? reason : `HTTP ${status}`;
}

function unexpected(method: string, path: string, { status, body }: Answer): HeadwaterError {
  const detail = typeof body.detail === 'string' ? `: ${body.detail}` : '';
  return new HeadwaterError('unexpected', `${method} ${path} was answered with ${status}${detail}`, {
    context: { status },
  });
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
}
