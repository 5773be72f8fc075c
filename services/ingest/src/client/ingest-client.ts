/**
 * An HTTP client of the ingest service. It waits as Retry-After says, and keeps the reason of a rejection. It uses
 * node:http with persistent connections: `fetch` needs several times the CPU time a request.
 */
import { type Agent, Agent as HttpAgent, type IncomingMessage, request as requestPlain } from 'node:http';
import { Agent as HttpsAgent, request as requestSecure } from 'node:https';
import { HeadwaterError } from '@headwater/errors';

/** The id of an accepted image, or the reason of its rejection. */
export type IngestResult =
  | { readonly accepted: true; readonly id: string }
  | { readonly accepted: false; readonly reason: string; readonly detail?: string };

/** A label that is sent with the image. */
export interface ImageLabel {
  readonly task: string;
  readonly label: string;
}

export interface LabelAssignment {
  readonly imageId: string;
  readonly task: string;
  readonly label: string;
  readonly annotator: string;
}

export interface IngestClient {
  /** Errors: service-unavailable; overloaded, after too many attempts; unexpected, for other responses. */
  sendImage(bytes: Buffer, source: string, signal: AbortSignal, known?: ImageLabel): Promise<IngestResult>;
  /** Errors: as for images; unexpected also when the label is rejected. */
  putLabel(assignment: LabelAssignment, signal: AbortSignal): Promise<void>;
  /** Closes the persistent connections. */
  close(): void;
}

interface IngestClientOptions {
  readonly url: string;
  /** A bearer token with the role write, where the service requires one. */
  readonly token?: string | undefined;
  /** Skips the check of the certificate's names; for a service in this process alone. Default false. */
  readonly isOwnService?: boolean;
  /** Maximum attempts while the service is overloaded; default 60. */
  readonly attempts?: number;
}

interface IngestResponse {
  readonly status: number;
  /** The header, unparsed. */
  readonly retryAfter: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

interface IngestRequest {
  readonly method: 'POST' | 'PUT';
  readonly path: string;
  readonly contentType: string;
  readonly body: Buffer;
}

export function createIngestClient(options: IngestClientOptions): IngestClient {
  const { url, attempts = 60 } = options;
  const connection = connect(options);

  /** Retries while the service returns 503. */
  async function send(request: IngestRequest, signal: AbortSignal): Promise<IngestResponse> {
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const response = await exchange(connection, url, request, signal);
      if (response.status === 401 || response.status === 403) throw refused(url, response);
      if (response.status !== 503) return response;
      await pause(waitOf(response), signal);
    }
    throw new HeadwaterError('overloaded', `${url} was overloaded ${attempts} times in a row`, {
      verdict: 'stop',
    });
  }

  return {
    async sendImage(bytes, source, signal, known) {
      const path = `/v1/images?${new URLSearchParams({ source, ...known })}`;
      const contentType = 'application/octet-stream';
      const response = await send({ method: 'POST', path, contentType, body: bytes }, signal);
      if (response.status < 300 && typeof response.body.id === 'string') {
        return { accepted: true, id: response.body.id };
      }
      if (response.status >= 400 && response.status < 500) {
        const { detail } = response.body;
        return {
          accepted: false,
          reason: reasonOf(response),
          ...(typeof detail === 'string' ? { detail } : {}),
        };
      }
      throw unexpected('POST', path, response);
    },
    async putLabel({ imageId, task, label, annotator }, signal) {
      const path = `/v1/images/${encodeURIComponent(imageId)}/labels/${encodeURIComponent(task)}`;
      const body = Buffer.from(JSON.stringify({ label, annotator }));
      const response = await send({ method: 'PUT', path, contentType: 'application/json', body }, signal);
      if (response.status >= 300) throw unexpected('PUT', path, response);
    },
    close: () => connection.agent.destroy(),
  };
}

interface Connection {
  readonly agent: Agent;
  readonly request: typeof requestPlain;
  readonly headers: Readonly<Record<string, string>>;
}

function connect({ url, token, isOwnService = false }: IngestClientOptions): Connection {
  const kept = { keepAlive: true, maxSockets: 64 };
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  if (!url.startsWith('https:')) return { agent: new HttpAgent(kept), request: requestPlain, headers };
  const agent = new HttpsAgent({ ...kept, rejectUnauthorized: !isOwnService });
  return { agent, request: requestSecure, headers };
}

/** Errors: service-unavailable; the signal's reason. */
function exchange(
  connection: Connection,
  url: string,
  message: IngestRequest,
  signal: AbortSignal,
): Promise<IngestResponse> {
  const { agent, request } = connection;
  const { method, path, contentType, body } = message;
  const headers = { ...connection.headers, 'content-type': contentType, 'content-length': body.length };
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(signal.aborted ? signal.reason : unavailable(url, error));
    request(new URL(path, url), { method, agent, headers, signal }, (response) => {
      readResponse(response).then(resolve, fail);
    })
      .on('error', fail)
      .end(body);
  });
}

async function readResponse(response: IncomingMessage): Promise<IngestResponse> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return {
    status: response.statusCode ?? 0,
    retryAfter: response.headers['retry-after'],
    body: parseBody(Buffer.concat(chunks).toString()),
  };
}

function parseBody(text: string): Readonly<Record<string, unknown>> {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Milliseconds to wait; 500 without Retry-After. */
function waitOf({ retryAfter }: IngestResponse): number {
  const seconds = Number(retryAfter ?? Number.NaN);
  return Number.isFinite(seconds) ? Math.min(seconds, 10) * 1000 : 500;
}

/** A problem document's code, else its title, else the status. */
function reasonOf({ status, body }: IngestResponse): string {
  const reason = body.code ?? body.title;
  return typeof reason === 'string' ? reason : `HTTP ${status}`;
}

function unavailable(url: string, cause: Error): HeadwaterError {
  const reason = cause.message === '' ? cause.name : cause.message;
  return new HeadwaterError('service-unavailable', `no response from ${url}: ${reason}`, {
    cause,
    verdict: 'stop',
  });
}

/** Stops the run: every image would be rejected. */
function refused(url: string, { status, body }: IngestResponse): HeadwaterError {
  const detail = typeof body.detail === 'string' ? body.detail : `HTTP ${status}`;
  return new HeadwaterError(
    status === 401 ? 'unauthenticated' : 'forbidden',
    `${url} rejects the token: ${detail}; set HEADWATER_TOKEN (or HEADWATER_TOKEN_FILE) to a token of the role write`,
    { verdict: 'stop' },
  );
}

function unexpected(method: string, path: string, { status, body }: IngestResponse): HeadwaterError {
  const detail = typeof body.detail === 'string' ? `: ${body.detail}` : '';
  return new HeadwaterError('unexpected', `${method} ${path} returned ${status}${detail}`, {
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
