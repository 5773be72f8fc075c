/**
 * Who may call which route. Each service has one table of all its routes; what is not in it takes an admin, so that a
 * route that was forgotten is closed. Without tokens everybody may do everything: then the address is the border.
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

/** `open` asks nobody. */
export type Access = AccessRole | 'open';

/** By method and pattern, e.g. `GET /v1/images/:id`; HEAD is as GET. */
export type AccessTable = Readonly<Record<string, Access>>;

export function accessOf(table: AccessTable, method: string, url: string): Access {
  const key = `${method === 'HEAD' ? 'GET' : method} ${url}`;
  return Object.hasOwn(table, key) ? (table[key] ?? 'admin') : 'admin';
}

/** Unknown paths are told to holders of a token only. Errors: unauthenticated, forbidden. */
export function requireTokens(app: FastifyInstance, tokens: AccessTokens, table: AccessTable): void {
  app.addHook('onRequest', async (request, reply) => {
    const { url } = request.routeOptions;
    const needed = url === undefined ? 'read' : accessOf(table, request.method, url);
    if (needed === 'open') return;
    const holder = authenticate(request, reply, tokens);
    if (allows(holder.role, needed)) return;
    reply.header(
      'www-authenticate',
      `Bearer realm="headwater", error="insufficient_scope", scope="${needed}"`,
    );
    throw new HeadwaterError('forbidden', `this needs a token of the role ${needed}`, {
      context: { role: holder.role, needed },
    });
  });
}

function authenticate({ headers }: FastifyRequest, reply: FastifyReply, tokens: AccessTokens): TokenHolder {
  const token = presentedToken(headers.authorization);
  const holder = token === undefined ? undefined : tokens.find(token);
  if (holder !== undefined) return holder;
  const error = token === undefined ? '' : ', error="invalid_token"';
  // Basic is what browsers ask their user for; the password is the token.
  reply.header('www-authenticate', [
    `Bearer realm="headwater"${error}`,
    'Basic realm="headwater", charset="UTF-8"',
  ]);
  throw new HeadwaterError(
    'unauthenticated',
    token === undefined
      ? 'this needs a token: Authorization: Bearer …, or Basic with the token for the password'
      : 'the token is not known here',
  );
}

/** What the OpenAPI document says about a route: who may call it. */
export function accessNote(table: AccessTable, method: string, url: string): object {
  const needed = accessOf(table, method, url);
  return needed === 'open' ? { security: [] } : { security: [{ token: [needed] }] };
}

/** Its part of the OpenAPI document, named by `accessNote`. */
export const securitySchemes = {
  token: {
    type: 'http',
    scheme: 'bearer',
    description: 'Asked for where AUTH_TOKENS is set; its role is named with each operation.',
  },
} as const;
