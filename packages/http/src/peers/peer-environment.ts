/** Variables of services that ask other processes of the installation. */
import { variables } from '@headwater/service-kit';
import { z } from 'zod';

const { httpUrl, secret, text } = variables;

const shortestSecret = 32;

export const peerEnvironment = {
  PEER_SECRET: secret(`at least ${shortestSecret} characters`)
    .refine(
      (given) => given.length >= shortestSecret,
      `expected at least ${shortestSecret} characters, e.g. of \`openssl rand -base64 32\``,
    )
    .optional()
    .describe(
      'Secret that all processes of the installation share: they prove requests to each other, and the responses, with it.',
    ),
  PEER_TLS_CA: secret('certificates in PEM form')
    .optional()
    .meta({ requires: ['PEER_SECRET'] })
    .describe('Certificate authorities of the other processes, instead of those of the system.'),
  PEER_TLS_NAME: text('a host name')
    .optional()
    .meta({ requires: ['PEER_SECRET'] })
    .describe(
      'Name in the certificates of the other processes, whatever their addresses; default: the host of each address.',
    ),
};

/** Of a service that others ask. */
export const advertisedUrl = () =>
  httpUrl()
    .refine(isOrigin, 'expected http://host:port or https://host:port, without a path')
    .transform((given) => new URL(given).origin)
    .optional()
    .meta({ requires: ['PEER_SECRET'] })
    .describe(
      'Address at which the other processes of the installation reach this one, e.g. http://classify-0.classify:8082; all clients of the cluster can read it. With it, each process answers for the whole installation; without it, for its own partitions.',
    );

function isOrigin(given: string): boolean {
  if (!URL.canParse(given)) return true; // reported already
  const { pathname, search, hash } = new URL(given);
  return pathname === '/' && search === '' && hash === '';
}

const environment = z.object(peerEnvironment);

export type PeerConfig = z.infer<typeof environment>;
