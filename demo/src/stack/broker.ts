/**
 * Selects the log of a run: the cluster in KAFKA_BROKERS, else a local Apache Kafka, else (without Java) an
 * in-memory log, with a warning, so that a first run needs Node alone.
 */
import { join } from 'node:path';
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import { type Progress, startLocalKafka } from '@headwater/local-kafka';
import type { Environment } from '@headwater/service-kit';

export interface Broker {
  readonly kind: 'kafka' | 'memory';
  /** The owner of the cluster: the user's cluster is left as it was found. */
  readonly owner: 'user' | 'headwater';
  /** Bootstrap list; empty for the in-memory log. */
  readonly brokers: readonly string[];
  /** Rejects when a local broker exits. */
  readonly stopped: Promise<void>;
  stop(): Promise<void>;
}

interface BrokerOptions {
  readonly environment: Environment;
  readonly dataDir: string;
  /** Number of local brokers; default 1. */
  readonly count?: number | undefined;
  /** Whether to use an in-memory log where there is no Java. */
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
      onProgress: (progress) => report(progress, say),
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
    '--brokers applies to a local Kafka only: unset KAFKA_BROKERS or omit --brokers',
  );
}

function userCluster(brokers: readonly string[]): Broker {
  const stopped = new Promise<void>(() => undefined);
  return { kind: 'kafka', owner: 'user', brokers, stopped, stop: async () => undefined };
}

function report(progress: Progress, say: (line: string) => void): void {
  if (progress.step === 'fetch' && progress.files % 10 === 1) {
    say('fetching Apache Kafka from Maven Central (once) …');
  }
  if (progress.step === 'start') say('starting Apache Kafka …');
  if (progress.step === 'ready') say(`Apache Kafka is ready on ${progress.broker}`);
}

function withAdvice(error: HeadwaterError): HeadwaterError {
  return new HeadwaterError(
    error.code,
    `${error.message}; or set KAFKA_BROKERS to your cluster (--exit requires Kafka)`,
    { cause: error },
  );
}

function warn(error: HeadwaterError, say: (line: string) => void): void {
  const edge = '!'.repeat(78);
  say(
    [
      edge,
      '!!  NO KAFKA: this run uses an in-memory log. Data is lost at exit; throughput is',
      '!!  not comparable to Kafka.',
      `!!  ${error.message}`,
      '!!  Or set KAFKA_BROKERS to your cluster.',
      edge,
    ].join('\n'),
  );
}
