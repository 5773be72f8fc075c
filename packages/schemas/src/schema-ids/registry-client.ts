/**
 * HTTP client of a schema registry (Confluent's interface, also of Apicurio). It uses fetch because the client library
 * loses logical types by parsing schemas, reports a refused connection as status 400, has no time limit, and caches
 * every schema forever.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { HeadwaterError } from '@headwater/errors';

export interface RegistryOptions {
  /** E.g. `http://localhost:8081`, or `…/apis/ccompat/v7` for Apicurio; may contain user and password. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  /** Time limit of one request, default 10 s. */
  readonly timeoutMs?: number;
  /** Attempts at an unavailable registry, with pauses that double from 100 ms to 2 s; default 6, about 3 s. */
  readonly attempts?: number;
}

interface RegistryResponse {
  readonly status: number;
  /** Parsed JSON; an empty object for any other body. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface RegistryClient {
  /**
   * Resolves for status 2xx and 404. Errors: schema-registry-unavailable (after retries), schema-incompatible (409,
   * 422), config-invalid (rejected credentials, or not a registry).
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
    const response = await fetch(
      `${root}${path}`,
      body === undefined ? init : { ...init, body: JSON.stringify(body) },
    );
    return checkStatus({ status: response.status, body: parseBody(await readText(response, root)) }, root);
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
    'SCHEMA_REGISTRY_URL: must start with http:// or https://, with percent-encoded user and password',
  );
}

function authorization(base: URL, options: RegistryOptions): { authorization?: string } {
  const username = options.username ?? decodeURIComponent(base.username);
  const password = options.password ?? decodeURIComponent(base.password);
  if (username === '' && password === '') return {};
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

/** Reads a bounded response body. Errors: schema-registry-unavailable. */
async function readText(response: Response, root: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength;
    // Leaving the loop closes the connection.
    if (length > maxResponseBytes) throw unavailable(root, `returned more than ${maxResponseBytes} bytes`);
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

function checkStatus(response: RegistryResponse, root: string): RegistryResponse {
  const { status, body } = response;
  if ((status >= 200 && status < 300) || status === 404) return response;
  const detail = typeof body.message === 'string' ? `: ${body.message.slice(0, 500)}` : '';
  if (status === 409 || status === 422) {
    throw new HeadwaterError('schema-incompatible', `the schema registry rejects the schema${detail}`);
  }
  if (status === 401 || status === 403) {
    throw new HeadwaterError(
      'config-invalid',
      `the schema registry at ${root} rejects the credentials (${status})`,
      {
        context: { status },
      },
    );
  }
  if (status === 408 || status === 429 || status >= 500)
    throw unavailable(root, `returned status ${status}${detail}`);
  throw new HeadwaterError(
    'config-invalid',
    `the schema registry at ${root} returned status ${status}${detail}`,
    {
      context: { status },
    },
  );
}

function unavailable(root: string, what: string, cause?: unknown): HeadwaterError {
  return new HeadwaterError('schema-registry-unavailable', `the schema registry at ${root} ${what}`, {
    cause,
  });
}

async function retry<T>(send: () => Promise<T>, attempts: number, root: string): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await send();
    } catch (cause) {
      const error = cause instanceof HeadwaterError ? cause : unavailable(root, 'does not respond', cause);
      if (error.verdict !== 'retry' || attempt >= attempts) throw error;
      await sleep(Math.min(100 * 2 ** (attempt - 1), 2000));
    }
  }
}
