/**
 * Browsers are the one client that somebody else can steer: a page of any site may send requests to an address that
 * only its visitor reaches, and with a name that it points there (DNS rebinding) may read the answers. Credentials of
 * the Basic scheme go along by themselves. So whatever changes something must come from a page of our own, and where
 * no token is asked for, the name that was asked must be one that we go by.
 */
import { isIP } from 'node:net';
import { HeadwaterError } from '@headwater/errors';
import { bareHost, hostNameOf, isLoopback } from '@headwater/service-kit';
import type { FastifyInstance, FastifyRequest } from 'fastify';

export interface CrossSiteGuardOptions {
  /** False where everybody has to show a token: then a name tells nothing more. */
  readonly checkHost: boolean;
  /** Where we listen. */
  readonly host: string;
  readonly allowedHosts: readonly string[];
}

/** Errors: request-misdirected, forbidden. */
export function rejectCrossSiteRequests(app: FastifyInstance, options: CrossSiteGuardOptions): void {
  const own = new Set([options.host, ...options.allowedHosts].map(bareHost));
  // No name, no rebinding: programs without one, and addresses.
  const isOurs = (name: string) => name === '' || isIP(name) !== 0 || isLoopback(name) || own.has(name);
  app.addHook('onRequest', async (request) => {
    if (options.checkHost && !isOurs(hostNameOf(request.headers.host ?? ''))) throw misdirected();
    if (!isSafe(request.method) && isFromAnotherSite(request, own)) throw crossSite();
  });
}

const isSafe = (method: string) => ['GET', 'HEAD', 'OPTIONS'].includes(method);

/** Browsers state one header or both; programs none. */
function isFromAnotherSite({ headers }: FastifyRequest, own: ReadonlySet<string>): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  if (headers.origin === undefined) return false;
  if (!URL.canParse(headers.origin)) return true;
  const { host, hostname } = new URL(headers.origin);
  return host !== headers.host && !own.has(hostNameOf(hostname));
}

function misdirected(): HeadwaterError {
  return new HeadwaterError(
    'request-misdirected',
    'this service does not go by the name in the Host header; HTTP_ALLOWED_HOSTS lists further ones',
  );
}

function crossSite(): HeadwaterError {
  return new HeadwaterError('forbidden', 'a page of another site may not change anything here');
}
