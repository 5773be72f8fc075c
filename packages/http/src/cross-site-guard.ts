/**
 * Protection against cross-site requests and DNS rebinding. A page of any site can send requests to an address that
 * only its visitor reaches, with stored Basic credentials; with DNS rebinding it can also read the responses. So
 * unsafe requests must be same-origin, and without tokens the Host header must be a known name.
 */
import { isIP } from 'node:net';
import { HeadwaterError } from '@headwater/errors';
import { bareHost, hostNameOf, isLoopback } from '@headwater/service-kit';
import type { FastifyInstance, FastifyRequest } from 'fastify';

interface CrossSiteGuardOptions {
  /** False where tokens are required, which also protect against DNS rebinding. */
  readonly checkHost: boolean;
  /** Listen address. */
  readonly host: string;
  readonly allowedHosts: readonly string[];
}

/** Errors: request-misdirected, forbidden. */
export function rejectCrossSiteRequests(app: FastifyInstance, options: CrossSiteGuardOptions): void {
  const own = new Set([options.host, ...options.allowedHosts].map(bareHost));
  // A request without a name (no Host header, or an IP address) cannot be rebound.
  const isOurs = (name: string) => name === '' || isIP(name) !== 0 || isLoopback(name) || own.has(name);
  app.addHook('onRequest', async (request) => {
    if (options.checkHost && !isOurs(hostNameOf(request.headers.host ?? ''))) throw misdirected();
    if (!isSafe(request.method) && isFromAnotherSite(request, own)) throw crossSite();
  });
}

const isSafe = (method: string) => ['GET', 'HEAD', 'OPTIONS'].includes(method);

/** Browsers send one or both headers; other clients send none. */
function isFromAnotherSite({ headers }: FastifyRequest, own: ReadonlySet<string>): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  if (headers.origin === undefined) return false;
  if (!URL.canParse(headers.origin)) return true;
  const { host, hostname } = new URL(headers.origin);
  return host !== headers.host && !own.has(hostNameOf(hostname));
}

function misdirected(): HeadwaterError {
  return new HeadwaterError('request-misdirected', 'unknown Host header; add the name to HTTP_ALLOWED_HOSTS');
}

function crossSite(): HeadwaterError {
  return new HeadwaterError('forbidden', 'cross-site request rejected');
}
