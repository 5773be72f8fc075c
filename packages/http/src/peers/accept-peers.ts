/** Requests of other processes of the installation: proven callers, proven responses, never passed on. */
import { HeadwaterError } from '@headwater/errors';
import type { TokenHolder } from '@headwater/service-kit';
import type { FastifyInstance } from 'fastify';
import {
  type ProvenRequest,
  proveResponse,
  requestHeader,
  responseHeader,
  verifyRequest,
} from './peer-proof.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set where another process of the installation asks: this process answers from its own partitions alone. */
    peer: ProvenRequest | null;
    /** Holder of the token, or the caller that another process names; null where no token is required. */
    caller: TokenHolder | null;
  }
}

export interface PeerAcceptance {
  readonly secret: string;
  /** Advertised URL of this process. */
  readonly url: string;
}

/** Also without peers, the request has its properties. Errors: unauthenticated. */
export function acceptPeers(app: FastifyInstance, peers: PeerAcceptance | undefined): void {
  app.decorateRequest('peer', null);
  app.decorateRequest('caller', null);
  if (peers === undefined) return;
  const { secret, url: audience } = peers;
  app.addHook('onRequest', async (request) => {
    const header = request.headers[requestHeader];
    if (header === undefined) return;
    const target = { audience, path: request.url };
    const proven =
      typeof header === 'string' && request.method === 'GET'
        ? verifyRequest(secret, target, header, Date.now())
        : undefined;
    if (proven === undefined) {
      throw new HeadwaterError(
        'unauthenticated',
        'invalid peer proof; compare PEER_SECRET, HTTP_ADVERTISED_URL and the clocks of the processes',
      );
    }
    request.peer = proven;
    request.caller = proven.caller;
  });
  app.addHook('onSend', async (request, reply, payload) => {
    if (request.peer === null) return payload;
    const body = typeof payload === 'string' ? Buffer.from(payload) : payload;
    // A stream has no proof, and the other process rejects it.
    if (Buffer.isBuffer(body))
      reply.header(responseHeader, proveResponse(secret, request.peer.nonce, reply.statusCode, body));
    return payload;
  });
}
