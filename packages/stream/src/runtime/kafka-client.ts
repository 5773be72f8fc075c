/** Kafka as the environment describes it. */
import { HeadwaterError } from '@headwater/errors';
import type { CommonConfig } from '../config/common-environment.ts';
import type { Log } from '../log/api.ts';
import { createKafkaLog } from '../log/kafka/kafka-log.ts';
import type { KafkaOptions } from '../log/kafka/options.ts';
import type { Logger } from '../logger.ts';

/** Errors: config-invalid without brokers. */
export function openKafka(config: CommonConfig, logger: Logger): Log {
  return createKafkaLog(kafkaOptions(config), logger);
}

/** Errors: config-invalid without brokers. */
export function kafkaOptions(config: CommonConfig): KafkaOptions {
  if (config.KAFKA_BROKERS === undefined)
    throw new HeadwaterError('config-invalid', 'KAFKA_BROKERS: is not set');
  return {
    brokers: config.KAFKA_BROKERS,
    clientId: config.KAFKA_CLIENT_ID,
    sessionTimeoutMs: config.KAFKA_SESSION_TIMEOUT,
    ssl: tlsOf(config),
    ...saslOf(config),
  };
}

function tlsOf(config: CommonConfig): NonNullable<KafkaOptions['ssl']> {
  const { KAFKA_TLS: isOn, KAFKA_TLS_CA: ca, KAFKA_TLS_CERT: cert, KAFKA_TLS_KEY: key } = config;
  if (!isOn || (ca === undefined && cert === undefined)) return isOn;
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
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
