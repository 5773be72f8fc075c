/**
 * The HTTP side of the story: images and labels as any client of the ingest service would send them, with its
 * answers taken seriously (wait when it says so, and keep the reason when it refuses). It uses Node's own client
 * with connections that are kept: `fetch` costs several times as much a request, on the cores that do the work.
 */
import { type Agent, Agent as HttpAgent, type IncomingMessage, request as requestPlain } from 'node:http';
import { Agent as HttpsAgent, request as requestSecure } from 'node:https';
import { HeadwaterError } from '@headwater/errors';

/** What became of an image: its id, or why it was refused. */
export type IngestResult =
  | { readonly accepted: true; readonly id: string }
  | { readonly accepted: false; readonly reason: string; readonly detail?: string };

/** A label that goes with the image. */
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
  /** Errors: service-unavailable; overloaded, when it asked to wait for too long; unexpected, for other answers. */
  sendImage(bytes: Buffer, source: string, signal: AbortSignal, known?: ImageLabel): Promise<IngestResult>;
  /** Errors: as for images; unexpected also when the label is refused. */
  putLabel(statement: LabelAssignment, signal: AbortSignal): Promise<void>;
  /** Closes the connections that are kept. */
  close(): void;
}

export interface IngestClientOptions {
  readonly url: string;
  /** A bearer token with the role write, where the service asks for one. */
  readonly token?: string | undefined;
  /** For a service in this very process alone: its certificate is for the names that others use. Default false. */
  readonly isOwnService?: boolean;
  /** How often a request is repeated when the service is overloaded, default 60. */
  readonly attempts?: number;
}

interface Answer {
  readonly status: number;
  /** The header as it came. */
  readonly retryAfter: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

interface Question {
  readonly method: 'POST' | 'PUT';
  readonly path: string;
  readonly contentType: string;
  readonly body: Buffer;
}

export function createIngestClient(options: IngestClientOptions): IngestClient {
  const { url, attempts = 60 } = options;
  const connection = connect(options);

  /** Asks again while the service answers 503. */
  async function ask(question: Question, signal: AbortSignal): Promise<Answer> {
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const answer = await exchange(connection, url, question, signal);
      if (answer.status === 401 || answer.status === 403) throw refused(url, answer);
      if (answer.status !== 503) return answer;
      await pause(waitOf(answer), signal);
    }
    throw new HeadwaterError('overloaded', `${url} was overloaded ${attempts} times in a row`, {
      verdict: 'stop',
    });
  }

  return {
    async sendImage(bytes, source, signal, known) {
      const path = `/v1/images?${new URLSearchParams({ source, ...known })}`;
      const contentType = 'application/octet-stream';
      const answer = await ask({ method: 'POST', path, contentType, body: bytes }, signal);
      if (answer.status < 300 && typeof answer.body.id === 'string') {
        return { accepted: true, id: answer.body.id };
      }
      if (answer.status >= 400 && answer.status < 500) {
        const { detail } = answer.body;
        return {
          accepted: false,
          reason: reasonOf(answer),
          ...(typeof detail === 'string' ? { detail } : {}),
        };
      }
      throw unexpected('POST', path, answer);
    },
    async putLabel({ imageId, task, label, annotator }, signal) {
      const path = `/v1/images/${encodeURIComponent(imageId)}/labels/${encodeURIComponent(task)}`;
      const body = Buffer.from(JSON.stringify({ label, annotator }));
      const answer = await ask({ method: 'PUT', path, contentType: 'application/json', body }, signal);
      if (answer.status >= 300) throw unexpected('PUT', path, answer);
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
  question: Question,
  signal: AbortSignal,
): Promise<Answer> {
  const { agent, request } = connection;
  const { method, path, contentType, body } = question;
  const headers = { ...connection.headers, 'content-type': contentType, 'content-length': body.length };
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(signal.aborted ? signal.reason : unavailable(url, error));
    request(new URL(path, url), { method, agent, headers, signal }, (response) => {
      readAnswer(response).then(resolve, fail);
    })
      .on('error', fail)
      .end(body);
  });
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
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

/** Milliseconds to wait; half a second where the service does not say. */
function waitOf({ retryAfter }: Answer): number {
  const seconds = Number(retryAfter ?? Number.NaN);
  return Number.isFinite(seconds) ? Math.min(seconds, 10) * 1000 : 500;
}

/** A problem document's code, else its title, else the status. */
function reasonOf({ status, body }: Answer): string {
  const reason = body.code ?? body.title;
  return typeof reason === 'string' ? reason : `HTTP ${status}`;
}

function unavailable(url: string, cause: Error): HeadwaterError {
  const reason = cause.message === '' ? cause.name : cause.message;
  return new HeadwaterError('service-unavailable', `${url} does not answer: ${reason}`, {
    cause,
    verdict: 'stop',
  });
}

/** Of no use to go on: every image would be refused. */
function refused(url: string, { status, body }: Answer): HeadwaterError {
  const detail = typeof body.detail === 'string' ? body.detail : `HTTP ${status}`;
  return new HeadwaterError(
    status === 401 ? 'unauthenticated' : 'forbidden',
    `${url} refuses us: ${detail}; HEADWATER_TOKEN holds the token (or HEADWATER_TOKEN_FILE a file with it)`,
    { verdict: 'stop' },
  );
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
