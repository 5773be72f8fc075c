/** How to reach a Kafka cluster; everything that kafkajs needs, in our words. */

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
  /** A member of a group that is not heard of for so long loses its lanes; default 30 s. */
  readonly sessionTimeoutMs?: number;
  /** The broker aborts a transaction that takes longer; default 60 s. */
  readonly transactionTimeoutMs?: number;
  /** Bytes of one batch, which is what one send writes to one partition; default 900,000. */
  readonly maxBatchBytes?: number;
}

export const kafkaDefaults = {
  clientId: 'headwater',
  connectionTimeoutMs: 5_000,
  requestTimeoutMs: 30_000,
  transactionTimeoutMs: 60_000,
  maxBatchBytes: 900_000,
} as const;
