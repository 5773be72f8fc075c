/**
 * Broker error codes of batches and of coordinator requests. These tables alone decide about retries; any other code
 * is final.
 * Codes: https://kafka.apache.org/protocol#protocol_error_codes
 */
import { createErrorFromCode } from '../../client/kafkajs.ts';

/** Codes that kafkajs does not know. */
const newer: Readonly<Record<number, string>> = {
  89: 'THROTTLING_QUOTA_EXCEEDED',
  90: 'PRODUCER_FENCED',
  95: 'INCONSISTENT_CLUSTER_ID',
  100: 'UNKNOWN_TOPIC_ID',
  120: 'TRANSACTION_ABORTABLE',
};

/** Kafka's name of an error code; undefined for 0. */
export function errorName(code: number): string | undefined {
  if (code === 0) return undefined;
  const known = createErrorFromCode(code).type;
  return newer[code] ?? (known === 'KAFKAJS_UNKNOWN_ERROR_CODE' ? `ERROR_CODE_${code}` : known);
}

/** A response with an error code. */
export class ResponseError extends Error {
  override readonly name = 'ResponseError';
  /** Kafka's error name. */
  readonly type: string;

  constructor(type: string, subject: string) {
    super(`${type} for ${subject}`);
    this.type = type;
  }
}

interface RetryRule {
  /** Another broker may lead the partition: refresh the metadata first. */
  readonly leaderMayHaveMoved: boolean;
  /** The batch may be in the log, and is in doubt until it is acknowledged. */
  readonly mayBeWritten: boolean;
}

const elsewhere: RetryRule = { leaderMayHaveMoved: true, mayBeWritten: false };
const later: RetryRule = { leaderMayHaveMoved: false, mayBeWritten: false };
const inDoubt: RetryRule = { leaderMayHaveMoved: true, mayBeWritten: true };

const batchRetries: Readonly<Record<string, RetryRule>> = {
  NOT_LEADER_FOR_PARTITION: elsewhere,
  LEADER_NOT_AVAILABLE: elsewhere,
  REPLICA_NOT_AVAILABLE: elsewhere,
  FENCED_LEADER_EPOCH: elsewhere,
  UNKNOWN_LEADER_EPOCH: elsewhere,
  UNKNOWN_TOPIC_OR_PARTITION: elsewhere,
  UNKNOWN_TOPIC_ID: elsewhere,
  LISTENER_NOT_FOUND: elsewhere,
  KAFKA_STORAGE_ERROR: inDoubt,
  BROKER_NOT_AVAILABLE: elsewhere,
  NETWORK_EXCEPTION: inDoubt,
  REQUEST_TIMED_OUT: inDoubt,
  NOT_ENOUGH_REPLICAS: later,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: { leaderMayHaveMoved: false, mayBeWritten: true },
  CORRUPT_MESSAGE: later,
  THROTTLING_QUOTA_EXCEEDED: later,
};

/** Returns undefined where the response is final. */
export function batchRetry(error: string | undefined): RetryRule | undefined {
  return error === undefined ? undefined : batchRetries[error];
}

export function isAcknowledgement(error: string | undefined): boolean {
  return error === undefined || error === 'DUPLICATE_SEQUENCE_NUMBER';
}

/** The coordinator has moved, is loading its state, or is completing the former transaction. */
const coordinatorMoved = new Set(['NOT_COORDINATOR_FOR_GROUP', 'GROUP_COORDINATOR_NOT_AVAILABLE']);
const coordinatorBusy = new Set([
  'GROUP_LOAD_IN_PROGRESS',
  'REQUEST_TIMED_OUT',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'THROTTLING_QUOTA_EXCEEDED',
]);

type CoordinatorErrorClass = 'moved' | 'concurrent' | 'busy' | 'final';

export function coordinatorErrorClass(error: string): CoordinatorErrorClass {
  if (coordinatorMoved.has(error)) return 'moved';
  if (error === 'CONCURRENT_TRANSACTIONS') return 'concurrent';
  return coordinatorBusy.has(error) ? 'busy' : 'final';
}
