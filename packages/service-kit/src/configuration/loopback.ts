/** Loopback addresses, and host names of HTTP requests. */
import { isIP } from 'node:net';

/** True for loopback addresses and `localhost` names (RFC 6761). */
export function isLoopback(host: string): boolean {
  const name = bareHost(host);
  if (name === 'localhost' || name.endsWith('.localhost') || name === '::1') return true;
  return isIP(name) === 4 && name.startsWith('127.');
}

/** The name of a `Host` header in lower case, without port, brackets and final dot. */
export function hostNameOf(header: string): string {
  return bareHost(header.replace(/:\d*$/, ''));
}

/** The host in lower case, without brackets and final dot. */
export function bareHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
}
