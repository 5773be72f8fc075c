/**
 * Mutual proof between processes of one installation that share a secret. A request carries the caller's name and role
 * under an HMAC, never the caller's token; a response is proven, too, so that a false member learns and invents nothing.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { type AccessRole, accessRoles, type TokenHolder } from '@headwater/service-kit';

export const requestHeader = 'headwater-peer';
export const responseHeader = 'headwater-peer-proof';

/** How far the clocks of two processes may differ; a captured request can be repeated only for so long. */
export const maxSkewMs = 60_000;

/** Longer headers are not read. */
const longestHeader = 512;
const nonceBytes = 18;

/** What a request is bound to: another process, method or path does not accept its proof. */
export interface PeerRequestTarget {
  /** Advertised URL of the process that is asked: a false member cannot pass the request on to a true one. */
  readonly audience: string;
  /** Path and query. */
  readonly path: string;
}

export interface ProvenRequest {
  readonly caller: TokenHolder;
  /** Binds the response to this request. */
  readonly nonce: string;
}

/** The header of a request, and the nonce that its response must prove. Peers only read: the method is GET. */
export function proveRequest(
  secret: string,
  target: PeerRequestTarget,
  { name, role }: TokenHolder,
  now: number,
): { readonly header: string; readonly nonce: string } {
  const nonce = randomBytes(nonceBytes).toString('base64url');
  const claims = JSON.stringify([now, nonce, role, name]);
  const mac = requestMac(secret, target, claims);
  return { header: `${Buffer.from(claims).toString('base64url')}.${mac.toString('base64url')}`, nonce };
}

/** Undefined where the header proves nothing about this request, or is too old. */
export function verifyRequest(
  secret: string,
  target: PeerRequestTarget,
  header: string,
  now: number,
): ProvenRequest | undefined {
  if (header.length > longestHeader) return undefined;
  const [encoded = '', mac = ''] = header.split('.');
  const claims = Buffer.from(encoded, 'base64url').toString('utf8');
  if (!isEqual(requestMac(secret, target, claims), mac)) return undefined;
  const [time, nonce, role, name] = JSON.parse(claims) as [number, string, AccessRole, string];
  const isFresh = Math.abs(now - time) <= maxSkewMs;
  return isFresh && accessRoles.includes(role) ? { caller: { name, role }, nonce } : undefined;
}

export function proveResponse(secret: string, nonce: string, status: number, body: Buffer): string {
  return responseMac(secret, nonce, status, body).toString('base64url');
}

export function verifyResponse(
  secret: string,
  nonce: string,
  response: { readonly status: number; readonly body: Buffer; readonly proof: string },
): boolean {
  return isEqual(responseMac(secret, nonce, response.status, response.body), response.proof);
}

function requestMac(secret: string, { audience, path }: PeerRequestTarget, claims: string): Buffer {
  return mac(secret, ['headwater peer request 1', 'GET', audience, path, claims]);
}

function responseMac(secret: string, nonce: string, status: number, body: Buffer): Buffer {
  const digest = createHash('sha256').update(body).digest('hex');
  return mac(secret, ['headwater peer response 1', nonce, status, digest]);
}

function mac(secret: string, parts: readonly (string | number)[]): Buffer {
  return createHmac('sha256', secret).update(JSON.stringify(parts)).digest();
}

function isEqual(expected: Buffer, given: string): boolean {
  const found = Buffer.from(given, 'base64url');
  return found.length === expected.length && timingSafeEqual(found, expected);
}
