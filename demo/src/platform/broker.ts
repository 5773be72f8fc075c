/**
 * Which log a run uses: the cluster that KAFKA_BROKERS names, a real Apache Kafka that is started here, or, where
 * there is no Java, one in memory, so that a first look needs nothing but Node. The last is said loudly.
 */
import { join } from 'node:path';
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import { type Progress, startLocalKafka } from '@headwater/local-kafka';
import type { Environment } from '@headwater/service-kit';

export interface Broker {
  readonly kind: 'kafka' | 'memory';
  /** Whose cluster it is: one of the user's is left as it was found. */
  readonly owner: 'user' | 'headwater';
  /** Bootstrap list; empty for the log in memory. */
  readonly brokers: readonly string[];
  /** Rejects when a broker that was started here dies. */
  readonly stopped: Promise<void>;
  stop(): Promise<void>;
}

export interface BrokerOptions {
  readonly environment: Environment;
  readonly dataDir: string;
  /** Of a Kafka that is started here; default 1. */
  readonly count?: number | undefined;
  /** Whether a log in memory will do where there is no Java. */
  readonly allowMemory: boolean;
  readonly say: (line: string) => void;
}

/** Errors: config-invalid; prerequisite-missing, where memory is not allowed; local-kafka-failed. */
export async function openBroker(options: BrokerOptions): Promise<Broker> {
  const { environment, dataDir, count = 1, allowMemory, say } = options;
  const given = (environment.KAFKA_BROKERS ?? '').split(',').map((broker) => broker.trim());
  const brokers = given.filter((broker) => broker !== '');
  if (brokers.length > 0 && options.count !== undefined) throw brokersOptionConflict();
  if (brokers.length > 0) return userCluster(brokers);
  try {
    const kafka = await startLocalKafka({
      dataDir: join(dataDir, 'kafka'),
      brokers: count,
      onProgress: (progress) => tell(progress, say),
    });
    return { kind: 'kafka', owner: 'headwater', ...kafka };
  } catch (thrown) {
    const error = asHeadwaterError(thrown);
    if (error.code !== 'prerequisite-missing') throw error;
    if (!allowMemory || count > 1) throw withAdvice(error);
    warn(error, say);
    return { ...userCluster([]), kind: 'memory', owner: 'headwater' };
  }
}

function brokersOptionConflict(): HeadwaterError {
  return new HeadwaterError(
    'config-invalid',
    '--brokers is for a Kafka that is started here: unset KAFKA_BROKERS, or leave --brokers out',
  );
}

function userCluster(brokers: readonly string[]): Broker {
  const stopped = new Promise<void>(() => undefined);
  return { kind: 'kafka', owner: 'user', brokers, stopped, stop: async () => undefined };
}

function tell(progress: Progress, say: (line: string) => void): void {
  if (progress.step === 'fetch' && progress.files % 10 === 1) {
    say('fetching Apache Kafka from Maven Central (once) …');
  }
  if (progress.step === 'start') say('starting Apache Kafka …');
  if (progress.step === 'ready') say(`Apache Kafka is ready on ${progress.broker}`);
}

function withAdvice(error: HeadwaterError): HeadwaterError {
  return new HeadwaterError(
    error.code,
    `${error.message}; or set KAFKA_BROKERS to a cluster of yours (with --exit a real Kafka is needed)`,
    { cause: error },
  );
}

function warn(error: HeadwaterError, say: (line: string) => void): void {
  const edge = '!'.repeat(78);
  say(
    [
      edge,
      '!!  NO KAFKA: this run uses a log in memory. Nothing survives it, and its speed',
      '!!  says nothing about Kafka.',
      `!!  ${error.message}`,
      '!!  Or set KAFKA_BROKERS to a cluster of yours.',
      edge,
    ].join('\n'),
  );
}
