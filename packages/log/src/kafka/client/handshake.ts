/**
 * Knocks at a broker before the client library does: that one repeats a handshake which can never succeed for minutes,
 * and then says only that it has given up. Whatever may pass (nobody there, a reset) is left to it.
 */
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { HeadwaterError } from '@headwater/errors';
import type { KafkaOptions } from '../options.ts';

type Door = Pick<KafkaOptions, 'brokers' | 'ssl'>;

/** `open`: it answers. A text: why it never will. Undefined: nobody can tell yet. */
type Answer = 'open' | { readonly reason: string } | undefined;

/** Of certificates that one side does not trust, and of protocols that do not meet. */
const hopeless =
  /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|INVALID_|HOSTNAME_MISMATCH|ERR_TLS_CERT|ERR_SSL_.*(ALERT|WRONG_VERSION))/;

/** True for codes of the connection that no repetition mends. */
export const isPermanentFailure = (code: string | undefined): boolean => hopeless.test(code ?? '');

export function untrusted(where: string, reason: string, cause?: unknown): HeadwaterError {
  const message = `${where}: no secure connection (${reason}); see KAFKA_TLS, KAFKA_TLS_CA, KAFKA_TLS_CERT and KAFKA_TLS_KEY`;
  return new HeadwaterError('log-untrusted', message, { cause });
}

/** Resolves unless every broker that could be reached is hopeless. Errors: log-untrusted. */
export async function probeBrokers({ brokers, ssl }: Door, timeoutMs: number): Promise<void> {
  const answers = await Promise.all(brokers.map((broker) => ask(broker, ssl, timeoutMs)));
  if (answers.some((answer) => answer === undefined || answer === 'open')) return;
  const [first] = answers;
  if (typeof first === 'object') throw untrusted(brokers[0] ?? '', first.reason);
}

/** ApiVersions, version 0: size, key 18, version, correlation id, no client id. Everybody may ask it, before any login. */
const question = Buffer.from('0000000a0012000000000001ffff', 'hex');
const tlsAlert = 0x15;

function ask(broker: string, ssl: Door['ssl'], timeoutMs: number): Promise<Answer> {
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(broker) ?? [];
  const at = { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
  // An address is no name for a server (RFC 6066); the certificate is checked against it all the same.
  const named = isIP(at.host) === 0 ? { servername: at.host } : {};
  return new Promise((resolve) => {
    const socket: Socket =
      ssl === undefined || ssl === false
        ? connectPlain(at, () => socket.write(question))
        : connectTls({ ...at, ...named, ...(ssl === true ? {} : ssl) }, () => socket.write(question));
    const end = (answer: Answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => end(undefined));
    socket.once('data', (data) => {
      end(data[0] === tlsAlert ? { reason: 'the broker speaks TLS, and KAFKA_TLS is false' } : 'open');
    });
    socket.once('error', ({ code, message }: NodeJS.ErrnoException) => {
      end(isPermanentFailure(code) ? { reason: message.split('\n')[0] ?? message } : undefined);
    });
    socket.once('close', () => end(undefined));
  });
}
