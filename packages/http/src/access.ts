/**
 * Required roles of routes. Each service has one table of all its routes; a route that is not in the table requires an
 * admin. Without tokens, access is open and only the listen address protects the service.
 */
import { HeadwaterError } from '@headwater/errors';
import {
  type AccessRole,
  type AccessTokens,
  allows,
  presentedToken,
  type TokenHolder,
} from '@headwater/service-kit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** `open` requires no token. */
export type Access = AccessRole | 'open';

/** Access by method and pattern, e.g. `GET /v1/images/:id`; HEAD uses the entry of GET. */
export type AccessTable = Readonly<Record<string, Access>>;

export function accessOf(table: AccessTable, method: string, url: string): Access {
  const key = `${method === 'HEAD' ? 'GET' : method} ${url}`;
  return Object.hasOwn(table, key) ? (table[key] ?? 'admin') : 'admin';
}

/** Only holders of a token get 404 for unknown paths. Errors: unauthenticated, forbidden. */
export function requireTokens(app: FastifyInstance, tokens: AccessTokens, table: AccessTable): void {
  app.addHook('onRequest', async (request, reply) => {
    const { url } = request.routeOptions;
    const needed = url === undefined ? 'read' : accessOf(table, request.method, url);
    if (needed === 'open') return;
    // Another process of the installation has checked the token, and names its holder.
    const holder = request.peer?.caller ?? authenticate(request, reply, tokens);
    request.caller = holder;
    if (allows(holder.role, needed)) return;
    reply.header(
      'www-authenticate',
      `Bearer realm="headwater", error="insufficient_scope", scope="${needed}"`,
    );
    throw new HeadwaterError('forbidden', `this request requires a token with the role ${needed}`, {
      context: { role: holder.role, needed },
    });
  });
}

function authenticate({ headers }: FastifyRequest, reply: FastifyReply, tokens: AccessTokens): TokenHolder {
  const token = presentedToken(headers.authorization);
  const holder = token === undefined ? undefined : tokens.find(token);
  if (holder !== undefined) return holder;
  const error = token === undefined ? '' : ', error="invalid_token"';
  // Browsers prompt for Basic credentials; the password is the token.
  reply.header('www-authenticate', [
    `Bearer realm="headwater"${error}`,
    'Basic realm="headwater", charset="UTF-8"',
  ]);
  throw new HeadwaterError(
    'unauthenticated',
    token === undefined
      ? 'this request requires a token: Authorization: Bearer …, or Basic with the token as password'
      : 'unknown token; add it to AUTH_TOKENS',
  );
}

/** Security requirement of a route for the OpenAPI document. */
export function accessNote(table: AccessTable, method: string, url: string): object {
  const needed = accessOf(table, method, url);
  return needed === 'open' ? { security: [] } : { security: [{ token: [needed] }] };
}

/** Security schemes of the OpenAPI document, referenced by `accessNote`. */
export const securitySchemes = {
  token: {
    type: 'http',
    scheme: 'bearer',
    description: 'Required where AUTH_TOKENS is set; each operation names the required role.',
  },
} as const;
