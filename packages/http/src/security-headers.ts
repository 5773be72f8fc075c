/**
 * Security headers that restrict browsers. Data must not be executed, framed, cached or read by other sites. A page
 * may load scripts and styles only from its own origin, so that text of an image name or a label cannot run.
 */
import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';

export interface PagePolicy {
  /** Inline scripts of the page: the exact text between the tags. */
  readonly scripts?: readonly string[];
  /** Inline styles of the page: the exact text between the tags. */
  readonly styles?: readonly string[];
}

/** `Content-Security-Policy` of a page; allows inline scripts and styles only by their hashes. */
export function pagePolicy({ scripts = [], styles = [] }: PagePolicy = {}): string {
  const sources = (texts: readonly string[]) => ["'self'", ...texts.map(hashSource)].join(' ');
  return [
    "default-src 'none'",
    `script-src ${sources(scripts)}`,
    `style-src ${sources(styles)}`,
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');
}

const hashSource = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

const dataPolicy = "default-src 'none'; frame-ancestors 'none'; sandbox";

const always = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
} as const;

const twoYears = 63_072_000;
const defaultPagePolicy = pagePolicy();

/** Adds security headers, except those that the route has set. */
export function addSecurityHeaders(app: FastifyInstance, { isTls }: { readonly isTls: boolean }): void {
  app.addHook('onSend', async (_request, reply) => {
    const isPage = /^text\/html\b/i.test(String(reply.getHeader('content-type') ?? ''));
    const headers: Record<string, string> = {
      ...always,
      'content-security-policy': isPage ? defaultPagePolicy : dataPolicy,
      'cache-control': 'no-store',
      ...(isTls ? { 'strict-transport-security': `max-age=${twoYears}` } : {}),
    };
    for (const [name, value] of Object.entries(headers))
      if (!reply.hasHeader(name)) reply.header(name, value);
  });
}
