/**
 * The few requests that Headwater makes to a schema registry (Confluent's HTTP interface, which Apicurio offers too). Plain fetch rather
 * than a client library: the library parses schemas and so loses their logical types, reports a refused
 * connection as status 400, waits without a time limit, and keeps every schema for ever.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { HeadwaterError } from '@headwater/errors';

export interface RegistryOptions {
  /** E.g. `http://localhost:8081`, or `…/apis/ccompat/v7` for Apicurio; may carry user and password. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  /** How long one request may take, default 10 s. */
  readonly timeoutMs?: number;
  /** Requests before a registry that is away is given up, with pauses that double from 100 ms to 2 s; default 6, about 3 s. */
  readonly attempts?: number;
}

export interface RegistryResponse {
  readonly status: number;
  /** Parsed JSON; an empty object where the answer was something else. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface RegistryClient {
  /**
   * Answers with status 2xx or 404. Errors: schema-registry-unavailable (after retries), schema-incompatible (409, 422),
   * config-invalid (credentials refused, or not a registry).
   */
  request(method: 'GET' | 'POST' | 'PUT', path: string, body?: object): Promise<RegistryResponse>;
}

/** Errors: config-invalid. */
export function createRegistryClient(options: RegistryOptions): RegistryClient {
  const base = parseUrl(options.url);
  const headers = { accept: mediaTypes, 'content-type': mediaType, ...authorization(base, options) };
  const root = `${base.origin}${base.pathname.replace(/\/+$/, '')}`;
  const attempts = options.attempts ?? 6;
  const send = async (method: string, path: string, body?: object): Promise<RegistryResponse> => {
    const init = { method, headers, signal: AbortSignal.timeout(options.timeoutMs ?? 10_000) };
    const answer = await fetch(
      `${root}${path}`,
      body === undefined ? init : { ...init, body: JSON.stringify(body) },
    );
    return judge({ status: answer.status, body: parseBody(await readText(answer, root)) }, root);
  };
  return { request: (method, path, body) => retry(() => send(method, path, body), attempts, root) };
}

const mediaType = 'application/vnd.schemaregistry.v1+json';
const maxResponseBytes = 16 * 1024 * 1024;
const mediaTypes = `${mediaType}, application/json`;

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const misencoded = url !== undefined && /%(?![0-9a-f]{2})/i.test(url.username + url.password);
  if (url !== undefined && /^https?:$/.test(url.protocol) && !misencoded) return url;
  throw new HeadwaterError(
    'config-invalid',
    'The URL of the schema registry must start with http:// or https://, and a user or password in it must be percent-encoded.',
  );
}

function authorization(base: URL, options: RegistryOptions): { authorization?: string } {
  const username = options.username ?? decodeURIComponent(base.username);
  const password = options.password ?? decodeURIComponent(base.password);
  if (username === '' && password === '') return {};
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

/** A schema has kilobytes: what does not end is not from a registry. Errors: schema-registry-unavailable. */
async function readText(answer: Response, root: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of answer.body ?? []) {
    length += chunk.byteLength;
    // Leaving the loop ends the connection.
    if (length > maxResponseBytes) throw away(root, `answered with more than ${maxResponseBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseBody(text: string): Readonly<Record<string, unknown>> {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function judge(answer: RegistryResponse, root: string): RegistryResponse {
  const { status, body } = answer;
  if ((status >= 200 && status < 300) || status === 404) return answer;
  const said = typeof body.message === 'string' ? `: ${body.message.slice(0, 500)}` : '';
  if (status === 409 || status === 422) {
    throw new HeadwaterError('schema-incompatible', `The schema registry refuses the schema${said}`);
  }
  if (status === 401 || status === 403) {
    throw new HeadwaterError(
      'config-invalid',
      `The schema registry at ${root} refuses our credentials (${status}).`,
      {
        context: { status },
      },
    );
  }
  if (status === 408 || status === 429 || status >= 500) throw away(root, `answered ${status}${said}`);
  throw new HeadwaterError('config-invalid', `The schema registry at ${root} answered ${status}${said}.`, {
    context: { status },
  });
}

function away(root: string, what: string, cause?: unknown): HeadwaterError {
  return new HeadwaterError('schema-registry-unavailable', `The schema registry at ${root} ${what}.`, {
    cause,
  });
}

async function retry<T>(send: () => Promise<T>, attempts: number, root: string): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await send();
    } catch (cause) {
      const error = cause instanceof HeadwaterError ? cause : away(root, 'does not answer', cause);
      if (error.verdict !== 'retry' || attempt >= attempts) throw error;
      await sleep(Math.min(100 * 2 ** (attempt - 1), 2000));
    }
  }
}
