/** Variables of all HTTP interfaces; services add their port and limits. */
import { variables } from '@headwater/service-kit';
import { z } from 'zod';

const { duration, flag, integer, list, secret, text } = variables;

export const httpEnvironment = {
  HTTP_HOST: text('an address')
    .default('127.0.0.1')
    .describe(
      'Address of the HTTP interface; 0.0.0.0 in a container. An address that other machines can reach requires AUTH_TOKENS or HTTP_OPEN.',
    ),
  HTTP_OPEN: flag()
    .default(false)
    .describe(
      'Allow an address that other machines can reach without AUTH_TOKENS: for services behind a proxy that authenticates clients.',
    ),
  HTTP_ALLOWED_HOSTS: list('host names, separated by commas')
    .default([])
    .describe(
      'Host names that are accepted besides the address itself and localhost. Without tokens, requests with other Host headers are rejected.',
    ),
  HTTP_TLS_CERT: secret('certificates in PEM form')
    .optional()
    .meta({ requires: ['HTTP_TLS_KEY'] })
    .describe('Certificate chain of the HTTP interface; enables HTTPS.'),
  HTTP_TLS_KEY: secret('a key in PEM form')
    .optional()
    .meta({ requires: ['HTTP_TLS_CERT'] })
    .describe('Key of the certificate.'),
  HTTP_HEADERS_TIMEOUT: duration({ min: 100, max: 600_000 })
    .default(10_000)
    .meta({ shownDefault: '10s' })
    .describe('Time limit for the headers of a request.'),
  HTTP_MAX_CONNECTIONS: integer({ min: 1, max: 1_000_000 })
    .default(4_096)
    .describe('Largest number of connections; further ones are closed.'),
  HTTP_MAX_REQUESTS: integer({ min: 1, max: 1_000_000 })
    .default(4_096)
    .describe('Largest number of concurrent requests, including waiting ones; further ones get 503.'),
};

const environment = z.object(httpEnvironment);

export type HttpConfig = z.infer<typeof environment>;
