/** What can be set about every HTTP interface; services add their port and limits of their own. */
import { variables } from '@headwater/service-kit';
import { z } from 'zod';

const { duration, flag, integer, list, secret, text } = variables;

export const httpEnvironment = {
  HTTP_HOST: text('an address')
    .default('127.0.0.1')
    .describe(
      'Address of the HTTP interface; 0.0.0.0 in a container. One that other machines reach needs AUTH_TOKENS, or HTTP_OPEN.',
    ),
  HTTP_OPEN: flag()
    .default(false)
    .describe(
      'Serve without AUTH_TOKENS on an address that other machines reach: for networks where something in front asks who comes.',
    ),
  HTTP_ALLOWED_HOSTS: list('host names, separated by commas')
    .default([])
    .describe(
      'Names under which browsers may reach the interface, beside the address itself and localhost; where no tokens are asked for, requests to other names are refused.',
    ),
  HTTP_TLS_CERT: secret('certificates in PEM form')
    .optional()
    .meta({ requires: ['HTTP_TLS_KEY'] })
    .describe('Certificate (and its chain) of the HTTP interface, which is then HTTPS.'),
  HTTP_TLS_KEY: secret('a key in PEM form')
    .optional()
    .meta({ requires: ['HTTP_TLS_CERT'] })
    .describe('Key of that certificate.'),
  HTTP_HEADERS_TIMEOUT: duration({ min: 100, max: 600_000 })
    .default(10_000)
    .meta({ shownDefault: '10s' })
    .describe('How long a client may take for the headers of a request.'),
  HTTP_MAX_CONNECTIONS: integer({ min: 1, max: 1_000_000 })
    .default(4_096)
    .describe('Connections at once; more are closed at once.'),
  HTTP_MAX_REQUESTS: integer({ min: 1, max: 1_000_000 })
    .default(4_096)
    .describe('Requests at once, those that wait included; more get 503.'),
};

const environment = z.object(httpEnvironment);

export type HttpConfig = z.infer<typeof environment>;
