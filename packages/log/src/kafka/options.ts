/** How to reach a Kafka cluster; everything that kafkajs needs, in our words. */

/** Called as it happens on the produce path, for metrics and logs. Must not throw. */
export interface ProduceObserver {
  /** A batch is sent again. `reason` is Kafka's error name, or `connection` where no response came. */
  retried?(partition: TopicPartition, reason: string): void;
  /** A partition that was written to has another leader now. */
  leaderMoved?(partition: TopicPartition): void;
  /** Whether a transaction was committed is unknown; its producer is replaced, which settles it. */
  commitUnknown?(reason: string): void;
  /** Whether records can be written has changed; see `Log.blocked`. */
  writable?(isWritable: boolean): void;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface KafkaOptions {
  /** `host:port` of brokers to start from. */
  readonly brokers: readonly string[];
  /** What brokers call this process in their logs and quotas; default `headwater`. */
  readonly clientId?: string;
  /** true trusts the system's authorities; PEM texts otherwise. */
  readonly ssl?: boolean | { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  };
  readonly connectionTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  /** A member of a group that is not heard of for so long loses its partitions; default 30 s. */
  readonly sessionTimeoutMs?: number;
  /** The broker aborts a transaction that takes longer; default 60 s. */
  readonly transactionTimeoutMs?: number;
  /** Bytes of one batch, which is what one send writes to one partition; default 900,000. */
  readonly maxBatchBytes?: number;
  /** A record that is not acknowledged after so long is given up, and so is a commit; default 30 s. */
  readonly deliverMs?: number;
  readonly observer?: ProduceObserver;
  /** Between two looks at the partitions of topics in use; default 15 s. A change is reported after the second look that shows it. */
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
