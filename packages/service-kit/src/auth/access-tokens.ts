/**
 * The bearer tokens that a service accepts. Only their SHA-256 is kept, from the moment they are read: neither a heap
 * dump nor a log line can give one away. A token is long and random, so a plain digest is as good as a slow one.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { type AccessRole, accessRoles } from './roles.ts';

/** Whose token it is; the name may be logged. */
export interface TokenHolder {
  readonly name: string;
  readonly role: AccessRole;
}

export interface AccessTokens {
  readonly holders: readonly TokenHolder[];
  /** Takes the same time whichever token matches, and whether one does. */
  find(token: string): TokenHolder | undefined;
  /** The same book and one more token. */
  with(holder: TokenHolder, token: string): AccessTokens;
}

interface Entry extends TokenHolder {
  readonly digest: Buffer;
}

/** What stands in a line of the file, for messages. */
export const tokenLineForm = '<name> <read|write|admin> <token or sha256:…>';

const shortestToken = 24;
const tokenForm = /^[A-Za-z0-9._~+/-]+=*$/;
const digestForm = /^sha256:([0-9a-f]{64})$/i;
const nameForm = /^[A-Za-z0-9._-]{1,64}$/;

/** Lines (or parts divided by semicolons) of `tokenLineForm`; empty ones and those that begin with # are left out. */
export function parseTokens(text: string): AccessTokens | { readonly problem: string } {
  const entries: Entry[] = [];
  for (const [index, line] of text.split(/[\n;]/).entries()) {
    const words = line.trim().split(/\s+/);
    if (words[0] === '' || words[0]?.startsWith('#')) continue;
    const entry = readEntry(words);
    if (typeof entry === 'string') return { problem: `entry ${index + 1}: ${entry}` };
    if (entries.some(({ name }) => name === entry.name)) {
      return { problem: `entry ${index + 1}: the name ${entry.name} is taken by an entry before it` };
    }
    entries.push(entry);
  }
  return entries.length > 0
    ? createAccessTokens(entries)
    : { problem: `expected lines of the form ${tokenLineForm}` };
}

/** The entry, or what is wrong with it: in words that do not repeat what may be a secret. */
function readEntry([name = '', role = '', token = '', ...rest]: readonly string[]): Entry | string {
  const known = accessRoles.find((candidate) => candidate === role);
  if (!nameForm.test(name) || known === undefined || token === '' || rest.length > 0) {
    return `expected ${tokenLineForm}`;
  }
  const [, digest] = digestForm.exec(token) ?? [];
  if (digest !== undefined) return { name, role: known, digest: Buffer.from(digest, 'hex') };
  if (token.length < shortestToken || !tokenForm.test(token)) {
    return `a token has at least ${shortestToken} letters, digits and . _ ~ + / - (\`headwater token create\` makes one)`;
  }
  return { name, role: known, digest: digestOf(token) };
}

function createAccessTokens(entries: readonly Entry[]): AccessTokens {
  return {
    holders: entries.map(({ name, role }) => ({ name, role })),
    find: (token) => {
      const presented = digestOf(token);
      let found: TokenHolder | undefined;
      // No early end: how long it takes must not tell how far down the list a token stands.
      for (const { digest, name, role } of entries)
        if (timingSafeEqual(digest, presented)) found = { name, role };
      return found;
    },
    with: (holder, token) => createAccessTokens([...entries, { ...holder, digest: digestOf(token) }]),
  };
}

const digestOf = (token: string) => createHash('sha256').update(token, 'utf8').digest();

/** A new token with 256 random bits, and the line that admits it without telling it. */
export function createToken(holder: TokenHolder): { readonly token: string; readonly line: string } {
  const token = `hw_${randomBytes(32).toString('base64url')}`;
  return { token, line: `${holder.name} ${holder.role} sha256:${digestOf(token).toString('hex')}` };
}

/** A token out of an `Authorization` header: Bearer, or Basic with the token for a password (browsers, registry clients). */
export function presentedToken(authorization: string | undefined): string | undefined {
  const [, scheme = '', credentials = ''] = /^(bearer|basic) +(\S+) *$/i.exec(authorization ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return credentials;
  if (scheme.toLowerCase() !== 'basic') return undefined;
  const decoded = Buffer.from(credentials, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  return colon < 0 ? undefined : decoded.slice(colon + 1);
}
