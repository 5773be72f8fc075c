/**
 * The configuration of kafkajs. Producers and consumers get separate `Kafka` objects: one object shares a map of
 * committed offsets among them, and an aborted transaction then makes a consumer skip records.
 */
import type { Logger } from '../../logger.ts';
import { type KafkaOptions, kafkaDefaults } from '../options.ts';
import { Connections } from '../produce/connections.ts';
import { probeBrokers } from './handshake.ts';
import { createLogCreator } from './kafka-logger.ts';
import {
  type Admin,
  type Assigner,
  type Cluster,
  type Consumer,
  createBrokers,
  createCluster,
  Kafka,
  type KafkaConfig,
  type LogCreator,
  logLevel,
  withInstanceId,
} from './kafkajs.ts';

interface ConsumerSettings {
  readonly group: string;
  readonly sessionTimeoutMs: number;
  readonly assigner: Assigner;
  readonly assignerName: string;
  /** Called after a crash; must return false once the member has left, so that kafkajs does not rejoin. */
  readonly mayRestart: () => boolean;
}

/** Retries of a request, within about ten seconds; callers decide what follows. */
const retry = { initialRetryTime: 50, maxRetryTime: 2_000, retries: 10, factor: 0.2, multiplier: 2 };
const longestResponseMs = 10_000;
/** By its next heartbeat a member learns that the group rebalances; until all have, partitions without an owner wait. */
const assignments = { maxWaitTimeInMs: 250, heartbeatsPerSession: 10, longestHeartbeatMs: 1_000 };
/**
 * A member that does not join within this share of the session time-out does not hold up a rebalance any longer. It is
 * more than three intervals of heartbeats, by which members learn that the group rebalances.
 */
const rebalanceShare = 1 / 3;

export class KafkaClient {
  readonly #config: KafkaConfig & { logCreator: LogCreator };
  readonly #instanceId: string | undefined;
  readonly #endpoint: Pick<KafkaOptions, 'brokers' | 'ssl'>;
  /** Response timeout of a write request, after which its connection is closed. */
  readonly responseMs: number;

  constructor(options: KafkaOptions, logger: Logger) {
    this.#endpoint = options;
    this.#instanceId = options.groupInstanceId;
    this.#config = toConfig(options, createLogCreator(logger));
    this.responseMs = Math.min(options.requestTimeoutMs ?? kafkaDefaults.requestTimeoutMs, longestResponseMs);
  }

  /** Errors: log-untrusted, which retries cannot fix. Other failures appear when connecting. */
  probeBrokers(): Promise<void> {
    return probeBrokers(this.#endpoint, this.#config.connectionTimeout ?? kafkaDefaults.connectionTimeoutMs);
  }

  admin(): Admin {
    return new Kafka(this.#config).admin();
  }

  cluster(): Cluster {
    return createCluster(this.#config);
  }

  /** Connections of one producer: a broker processes one request of a connection at a time. */
  connections(): Connections {
    return new Connections(createBrokers({ ...this.#config, requestTimeout: this.responseMs }));
  }

  /** Used only for group membership: its partitions stay paused, and its loop sends heartbeats. */
  consumer({ group, sessionTimeoutMs, assigner, assignerName, mayRestart }: ConsumerSettings): Consumer {
    const heartbeatInterval = Math.min(
      assignments.longestHeartbeatMs,
      Math.floor(sessionTimeoutMs / assignments.heartbeatsPerSession),
    );
    return new Kafka(this.#config).consumer({
      groupId: group,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: Math.floor(rebalanceShare * sessionTimeoutMs),
      heartbeatInterval,
      maxWaitTimeInMs: assignments.maxWaitTimeInMs,
      allowAutoTopicCreation: false,
      retry: { ...retry, restartOnFailure: async () => mayRestart() },
      partitionAssigners: [
        () => withInstanceId({ ...assigner, name: assignerName, version: 1 }, this.#instanceId),
      ],
    });
  }
}

function toConfig(options: KafkaOptions, logCreator: LogCreator): KafkaConfig & { logCreator: LogCreator } {
  return {
    brokers: [...options.brokers],
    clientId: options.clientId ?? kafkaDefaults.clientId,
    connectionTimeout: options.connectionTimeoutMs ?? kafkaDefaults.connectionTimeoutMs,
    requestTimeout: options.requestTimeoutMs ?? kafkaDefaults.requestTimeoutMs,
    retry,
    logLevel: logLevel.INFO,
    logCreator,
    ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
    ...(options.sasl === undefined ? {} : { sasl: options.sasl as NonNullable<KafkaConfig['sasl']> }),
  };
}
