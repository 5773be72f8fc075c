/** Options of the connection to a Kafka cluster. */

/** Receives events of the produce path, for metrics and logs. Must not throw. */
export interface ProduceObserver {
  /** A batch is sent again. `reason` is Kafka's error name, or `connection` without a response. */
  retried?(partition: TopicPartition, reason: string): void;
  /** The leader of a partition that was written to has changed. */
  leaderMoved?(partition: TopicPartition): void;
  /** The outcome of a commit is unknown; replacing its producer decides it. */
  commitUnknown?(reason: string): void;
  /** The write state has changed; see `Log.blocked`. */
  writable?(isWritable: boolean): void;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface KafkaOptions {
  /** Bootstrap brokers, as `host:port`. */
  readonly brokers: readonly string[];
  /** Name of this process in broker logs and quotas; default `headwater`. */
  readonly clientId?: string;
  /** true trusts the certificate authorities of the system; an object has PEM texts. */
  readonly ssl?: boolean | { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  };
  readonly connectionTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  /** A group member without heartbeats for this time loses its partitions; default 30 s. */
  readonly sessionTimeoutMs?: number;
  /**
   * Name of this process in its groups (static membership): one that returns under the same name within the session
   * time-out gets its partitions back without a rebalance. Default: a dynamic member.
   */
  readonly groupInstanceId?: string;
  /** The broker aborts a transaction that takes longer; default 60 s. */
  readonly transactionTimeoutMs?: number;
  /** Largest batch in bytes; default 900,000. */
  readonly maxBatchBytes?: number;
  /** Time limit for the acknowledgement of a record and for a commit; default 30 s. */
  readonly deliverMs?: number;
  readonly observer?: ProduceObserver;
  /** Interval of partition-count checks; default 15 s. A change is reported when two checks show it. */
  readonly partitionCheckMs?: number;
}

export const kafkaDefaults = {
  clientId: 'headwater',
  connectionTimeoutMs: 5_000,
  requestTimeoutMs: 30_000,
  transactionTimeoutMs: 60_000,
  maxBatchBytes: 900_000,
  deliverMs: 30_000,
} as const;
