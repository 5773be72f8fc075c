/** Which addresses nobody but this machine can reach, and which names stand for them. */
import { isIP } from 'node:net';

/** `localhost` resolves to the loopback interface everywhere that matters (RFC 6761). */
export function isLoopback(host: string): boolean {
  const name = bareHost(host);
  if (name === 'localhost' || name.endsWith('.localhost') || name === '::1') return true;
  return isIP(name) === 4 && name.startsWith('127.');
}

/** The name in a `Host` header, lower case, without port, brackets and a final dot. */
export function hostNameOf(header: string): string {
  return bareHost(header.replace(/:\d*$/, ''));
}

/** Lower case, without brackets and a final dot. */
export function bareHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
}
