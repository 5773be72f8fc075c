/** Connection options of Kafka from the environment. */
import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { HeadwaterError } from '@headwater/errors';
import { createKafkaLog, type KafkaOptions, type Log, type Logger } from '@headwater/log';
import type { CommonConfig } from '../configuration/common-environment.ts';
import { observeProducing } from '../metrics/kafka-metrics.ts';
import type { Metrics } from '../metrics/metrics.ts';

/** Services without a consumer group have no GROUP_INSTANCE_ID. */
type KafkaConfig = CommonConfig & { readonly GROUP_INSTANCE_ID?: string | undefined };

/** Errors: config-invalid without brokers, or with an invalid certificate or key. */
export function openKafka(config: KafkaConfig, logger: Logger, metrics: Metrics): Log {
  return createKafkaLog({ ...kafkaOptions(config), observer: observeProducing(metrics, logger) }, logger);
}

/** Errors: config-invalid without brokers, or with an invalid certificate or key. */
export function kafkaOptions(config: KafkaConfig): KafkaOptions {
  if (config.KAFKA_BROKERS === undefined)
    throw new HeadwaterError('config-invalid', 'KAFKA_BROKERS: is not set');
  return {
    brokers: config.KAFKA_BROKERS,
    clientId: config.KAFKA_CLIENT_ID,
    sessionTimeoutMs: config.KAFKA_SESSION_TIMEOUT,
    ...(config.GROUP_INSTANCE_ID === undefined ? {} : { groupInstanceId: config.GROUP_INSTANCE_ID }),
    ssl: tlsOf(config),
    ...saslOf(config),
  };
}

function tlsOf(config: CommonConfig): NonNullable<KafkaOptions['ssl']> {
  const { KAFKA_TLS: isOn, KAFKA_TLS_CA: ca, KAFKA_TLS_CERT: cert, KAFKA_TLS_KEY: key } = config;
  if (!isOn || (ca === undefined && cert === undefined)) return isOn;
  checkPems(ca, cert, key);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}

/** Node.js silently ignores an invalid CA certificate, which changes the trusted authorities. Errors: config-invalid. */
function checkPems(ca: string | undefined, cert: string | undefined, key: string | undefined): void {
  const check = (names: string, what: string, parse: () => unknown) => {
    try {
      parse();
    } catch (cause) {
      throw new HeadwaterError('config-invalid', `${names}: expected ${what} in PEM form`, { cause });
    }
  };
  if (ca !== undefined) check('KAFKA_TLS_CA', 'certificates', () => new X509Certificate(ca));
  if (cert === undefined || key === undefined) return;
  check('KAFKA_TLS_CERT and KAFKA_TLS_KEY', 'a certificate and its key', () =>
    createSecureContext({ cert, key }),
  );
}

function saslOf(config: CommonConfig): Pick<KafkaOptions, 'sasl'> {
  const {
    KAFKA_SASL_MECHANISM: mechanism,
    KAFKA_SASL_USERNAME: username,
    KAFKA_SASL_PASSWORD: password,
  } = config;
  if (mechanism === undefined || username === undefined || password === undefined) return {};
  return { sasl: { mechanism, username, password } };
}
