/**
 * A broker that requires a password over TLS or a client certificate, like a production cluster. Clients use two
 * listeners, SASL_SSL and SSL with client certificates; inter-broker traffic and probes use a third, plain one on the
 * loopback interface.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Authority } from './certificates.ts';

export interface BrokerSecurity {
  /** Signs the broker's certificate; clients with its certificates are accepted. */
  readonly authority: Authority;
  /** Passwords by user, for PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512; only letters, digits and dashes. */
  readonly passwords: Readonly<Record<string, string>>;
}

interface SecuredPorts {
  /** SASL_SSL. */
  readonly port: number;
  /** SSL, with a client certificate. */
  readonly certificatePort: number;
  /** Plain, for the broker itself. */
  readonly plainPort: number;
}

const mechanisms = ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;

/** Settings that replace the plain listener in `server.properties`. */
export function securedSettings(
  { port, certificatePort, plainPort }: SecuredPorts,
  controllerPort: number,
  folder: string,
  { passwords }: BrokerSecurity,
): Record<string, string> {
  const users = Object.entries(passwords).map(([name, password]) => `user_${name}="${password}"`);
  const jaas = (module: string, rest = '') => `org.apache.kafka.common.security.${module} required${rest};`;
  return {
    listeners: `SASL_SSL://127.0.0.1:${port},SSL://127.0.0.1:${certificatePort},PLAIN://127.0.0.1:${plainPort},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `SASL_SSL://127.0.0.1:${port},SSL://127.0.0.1:${certificatePort},PLAIN://127.0.0.1:${plainPort}`,
    'inter.broker.listener.name': 'PLAIN',
    'listener.security.protocol.map': 'SASL_SSL:SASL_SSL,SSL:SSL,PLAIN:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'sasl.enabled.mechanisms': ['PLAIN', ...mechanisms].join(','),
    'listener.name.sasl_ssl.plain.sasl.jaas.config': jaas('plain.PlainLoginModule', ` ${users.join(' ')}`),
    ...Object.fromEntries(
      mechanisms.map((mechanism) => [
        `listener.name.sasl_ssl.${mechanism.toLowerCase()}.sasl.jaas.config`,
        jaas('scram.ScramLoginModule'),
      ]),
    ),
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keyStore(folder),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': trustStore(folder),
    'listener.name.ssl.ssl.client.auth': 'required',
  };
}

/** Kafka reads PEM files (KIP-651): key and certificate in one, authorities in another. */
export async function writeStores(folder: string, { authority }: BrokerSecurity): Promise<void> {
  const { key, certificate } = authority.issue('broker', ['localhost', '127.0.0.1']);
  await writeFile(keyStore(folder), `${key}${certificate}`, { mode: 0o600 });
  await writeFile(trustStore(folder), authority.certificate);
}

/** Arguments for formatting the data folder: SCRAM credentials are in the metadata log. */
export function scramArguments({ passwords }: BrokerSecurity): string[] {
  return Object.entries(passwords).flatMap(([name, password]) =>
    mechanisms.flatMap((mechanism) => ['--add-scram', `${mechanism}=[name=${name},password=${password}]`]),
  );
}

const keyStore = (folder: string) => join(folder, 'broker.pem');
const trustStore = (folder: string) => join(folder, 'authorities.pem');
