/** Sends proven requests to other processes of the installation, and accepts only proven responses. */
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { HeadwaterError } from '@headwater/errors';
import { bareHost, type TokenHolder } from '@headwater/service-kit';
import { proveRequest, requestHeader, responseHeader, verifyResponse } from './peer-proof.ts';

export interface PeerRequest {
  /** Path and query. */
  readonly path: string;
  /** On whose behalf: the name and the role are sent, never a token. */
  readonly caller: TokenHolder;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface PeerResponse {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
}

export interface PeerClientOptions {
  readonly secret: string;
  /** Certificate authorities in PEM form; default: those of the system. */
  readonly ca?: string | undefined;
  /** Name in the certificates; default: the host of the address. */
  readonly serverName?: string | undefined;
}

/** Longer responses are rejected. */
const maxBytes = 64 * 1024 * 1024;
const maxSockets = 64;

export class PeerClient {
  readonly #secret: string;
  readonly #http = new HttpAgent({ keepAlive: true, maxSockets });
  readonly #https: HttpsAgent;

  constructor({ secret, ca, serverName }: PeerClientOptions) {
    this.#secret = secret;
    this.#https = new HttpsAgent({
      keepAlive: true,
      maxSockets,
      minVersion: 'TLSv1.2',
      ...(ca === undefined ? {} : { ca }),
      ...(serverName === undefined ? {} : { servername: serverName }),
    });
  }

  /** Errors: peer-unavailable, for no response, an unproven one, or one that is late. */
  async get(address: string, request: PeerRequest): Promise<PeerResponse> {
    const { path, caller, timeoutMs, signal } = request;
    const { header, nonce } = proveRequest(this.#secret, { audience: address, path }, caller, Date.now());
    const limit = AbortSignal.timeout(timeoutMs);
    const ended = signal === undefined ? limit : AbortSignal.any([limit, signal]);
    const { response, body } = await this.#send(new URL(address), path, header, ended).catch(
      (cause: unknown) => {
        throw unavailable(
          limit.aborted ? 'it did not answer in time' : reasonOf(cause),
          address,
          limit.aborted,
          cause,
        );
      },
    );
    const status = response.statusCode ?? 0;
    const proof = String(response.headers[responseHeader] ?? '');
    if (!verifyResponse(this.#secret, nonce, { status, body, proof })) {
      throw unavailable('its response is not proven; compare PEER_SECRET', address, false);
    }
    return { status, type: response.headers['content-type'] ?? 'application/json', body };
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  /** The path goes out as it was proven: a URL would change some of them. */
  #send(
    { protocol, hostname, port }: URL,
    path: string,
    header: string,
    signal: AbortSignal,
  ): Promise<{ readonly response: IncomingMessage; readonly body: Buffer }> {
    const isTls = protocol === 'https:';
    const target = { protocol, hostname: bareHost(hostname), port, path };
    const [send, agent] = isTls ? [requestHttps, this.#https] : [requestHttp, this.#http];
    return new Promise((resolve, reject) => {
      const headers = { [requestHeader]: header, accept: 'application/json' };
      const outgoing = send({ ...target, agent, headers, signal }, (response) => {
        readAll(response).then((body) => resolve({ response, body }), reject);
      });
      outgoing.once('error', reject).end();
    });
  }
}

async function readAll(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw new Error(`its response is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function reasonOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  return code ?? message;
}

/** The address is for the log alone: the message reaches clients. */
function unavailable(reason: string, address: string, isLate: boolean, cause?: unknown): PeerFailure {
  return new PeerFailure(reason, address, isLate, cause);
}

export class PeerFailure extends HeadwaterError {
  readonly reason: string;
  readonly address: string;
  /** No response within the time limit: asking again would take as long. */
  readonly isLate: boolean;

  constructor(reason: string, address: string, isLate: boolean, cause?: unknown) {
    super('peer-unavailable', 'the process that owns the partition does not answer; retry later', { cause });
    this.reason = reason;
    this.address = address;
    this.isLate = isLate;
  }
}
