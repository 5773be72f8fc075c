/**
 * The bearer tokens that a service accepts. Only their SHA-256 is kept, so that no heap dump or log line reveals a
 * token. Tokens are long and random, so a slow digest is not needed.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { type AccessRole, accessRoles } from './roles.ts';

/** Holder of a token; the name may be logged. */
export interface TokenHolder {
  readonly name: string;
  readonly role: AccessRole;
}

export interface AccessTokens {
  readonly holders: readonly TokenHolder[];
  /** Runs in constant time for any token. */
  find(token: string): TokenHolder | undefined;
  /** A copy with one more token. */
  with(holder: TokenHolder, token: string): AccessTokens;
}

interface Entry extends TokenHolder {
  readonly digest: Buffer;
}

/** Form of a line of the file, for messages. */
export const tokenLineForm = '<name> <read|write|admin> <token or sha256:…>';

const shortestToken = 24;
const tokenForm = /^[A-Za-z0-9._~+/-]+=*$/;
const digestForm = /^sha256:([0-9a-f]{64})$/i;
const nameForm = /^[A-Za-z0-9._-]{1,64}$/;

/** Parses lines (or entries separated by semicolons) of `tokenLineForm`; ignores empty lines and lines with #. */
export function parseTokens(text: string): AccessTokens | { readonly problem: string } {
  const entries: Entry[] = [];
  for (const [index, line] of text.split(/[\n;]/).entries()) {
    const words = line.trim().split(/\s+/);
    if (words[0] === '' || words[0]?.startsWith('#')) continue;
    const entry = readEntry(words);
    if (typeof entry === 'string') return { problem: `entry ${index + 1}: ${entry}` };
    if (entries.some(({ name }) => name === entry.name)) {
      return { problem: `entry ${index + 1}: the name ${entry.name} is used by an earlier entry` };
    }
    entries.push(entry);
  }
  return entries.length > 0
    ? createAccessTokens(entries)
    : { problem: `expected lines of the form ${tokenLineForm}` };
}

/** Returns the entry, or the problem in words that contain no secret. */
function readEntry([name = '', role = '', token = '', ...rest]: readonly string[]): Entry | string {
  const known = accessRoles.find((candidate) => candidate === role);
  if (!nameForm.test(name) || known === undefined || token === '' || rest.length > 0) {
    return `expected ${tokenLineForm}`;
  }
  const [, digest] = digestForm.exec(token) ?? [];
  if (digest !== undefined) return { name, role: known, digest: Buffer.from(digest, 'hex') };
  if (token.length < shortestToken || !tokenForm.test(token)) {
    return `a token has at least ${shortestToken} letters, digits and . _ ~ + / - (\`headwater token create\` creates one)`;
  }
  return { name, role: known, digest: digestOf(token) };
}

function createAccessTokens(entries: readonly Entry[]): AccessTokens {
  return {
    holders: entries.map(({ name, role }) => ({ name, role })),
    find: (token) => {
      const presented = digestOf(token);
      let found: TokenHolder | undefined;
      // No early return: the time must not reveal the position of a token in the list.
      for (const { digest, name, role } of entries)
        if (timingSafeEqual(digest, presented)) found = { name, role };
      return found;
    },
    with: (holder, token) => createAccessTokens([...entries, { ...holder, digest: digestOf(token) }]),
  };
}

const digestOf = (token: string) => createHash('sha256').update(token, 'utf8').digest();

/** Creates a token with 256 random bits, and the AUTH_TOKENS line with its digest. */
export function createToken(holder: TokenHolder): { readonly token: string; readonly line: string } {
  const token = `hw_${randomBytes(32).toString('base64url')}`;
  return { token, line: `${holder.name} ${holder.role} sha256:${digestOf(token).toString('hex')}` };
}

/** The token of an `Authorization` header: Bearer, or Basic with the token as password (browsers, registry clients). */
export function presentedToken(authorization: string | undefined): string | undefined {
  const [, scheme = '', credentials = ''] = /^(bearer|basic) +(\S+) *$/i.exec(authorization ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return credentials;
  if (scheme.toLowerCase() !== 'basic') return undefined;
  const decoded = Buffer.from(credentials, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  return colon < 0 ? undefined : decoded.slice(colon + 1);
}
