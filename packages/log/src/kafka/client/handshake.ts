/**
 * Probes brokers before kafkajs connects: kafkajs retries an impossible handshake for minutes, and its final error
 * does not name the reason. Transient failures (no listener, a reset) are left to kafkajs.
 */
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { HeadwaterError } from '@headwater/errors';
import type { KafkaOptions } from '../options.ts';

type BrokerEndpoint = Pick<KafkaOptions, 'brokers' | 'ssl'>;

/** `open`: the broker responds. `reason`: the cause of a permanent failure. undefined: unknown. */
type ProbeResult = 'open' | { readonly reason: string } | undefined;

/** Error codes of untrusted certificates and of protocol mismatches. */
const permanentFailures =
  /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|INVALID_|HOSTNAME_MISMATCH|ERR_TLS_CERT|ERR_SSL_.*(ALERT|WRONG_VERSION))/;

/** True for connection error codes that retries cannot fix. */
export const isPermanentFailure = (code: string | undefined): boolean => permanentFailures.test(code ?? '');

export function untrustedBroker(where: string, reason: string, cause?: unknown): HeadwaterError {
  const message = `${where}: no secure connection (${reason}); see KAFKA_TLS, KAFKA_TLS_CA, KAFKA_TLS_CERT and KAFKA_TLS_KEY`;
  return new HeadwaterError('log-untrusted', message, { cause });
}

/** Rejects only if all brokers fail permanently. Errors: log-untrusted. */
export async function probeBrokers({ brokers, ssl }: BrokerEndpoint, timeoutMs: number): Promise<void> {
  const results = await Promise.all(brokers.map((broker) => probe(broker, ssl, timeoutMs)));
  if (results.some((result) => result === undefined || result === 'open')) return;
  const [first] = results;
  if (typeof first === 'object') throw untrustedBroker(brokers[0] ?? '', first.reason);
}

/** ApiVersions, version 0, which needs no login: size, key 18, version, correlation id, no client id. */
const apiVersionsRequest = Buffer.from('0000000a0012000000000001ffff', 'hex');
const tlsAlert = 0x15;

function probe(broker: string, ssl: BrokerEndpoint['ssl'], timeoutMs: number): Promise<ProbeResult> {
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(broker) ?? [];
  const at = { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
  // RFC 6066 forbids an IP address as server name; the certificate is still verified against the address.
  const named = isIP(at.host) === 0 ? { servername: at.host } : {};
  return new Promise((resolve) => {
    const socket: Socket =
      ssl === undefined || ssl === false
        ? connectPlain(at, () => socket.write(apiVersionsRequest))
        : connectTls({ ...at, ...named, ...(ssl === true ? {} : ssl) }, () =>
            socket.write(apiVersionsRequest),
          );
    const end = (result: ProbeResult) => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(timeoutMs, () => end(undefined));
    socket.once('data', (data) => {
      end(data[0] === tlsAlert ? { reason: 'the broker requires TLS, but KAFKA_TLS is false' } : 'open');
    });
    socket.once('error', ({ code, message }: NodeJS.ErrnoException) => {
      end(isPermanentFailure(code) ? { reason: message.split('\n')[0] ?? message } : undefined);
    });
    socket.once('close', () => end(undefined));
  });
}
