/** Maps errors of kafkajs to Headwater's error codes. Only this file uses kafkajs' error names. */
import { type ErrorCode, HeadwaterError } from '@headwater/errors';
import { CorruptBatchError } from '../fetch/record-batches.ts';
import { isPermanentFailure, untrustedBroker } from './handshake.ts';

interface KafkaFailure extends Error {
  /** Kafka's error name, where a broker reported the error. */
  readonly type?: string;
  /** Node.js error code of the connection. */
  readonly code?: string;
  readonly cause?: unknown;
  readonly originalError?: unknown;
  readonly errors?: readonly unknown[];
}

const codes: Readonly<Record<string, ErrorCode>> = {
  PRODUCER_FENCED: 'log-fenced',
  INVALID_PRODUCER_EPOCH: 'log-fenced',
  FENCED_INSTANCE_ID: 'log-instance-fenced',
  INVALID_PRODUCER_ID_MAPPING: 'log-fenced',
  TRANSACTION_COORDINATOR_FENCED: 'log-fenced',
  MESSAGE_TOO_LARGE: 'record-too-large',
  RECORD_LIST_TOO_LARGE: 'record-too-large',
  UNKNOWN_TOPIC_OR_PARTITION: 'topic-missing',
  INVALID_TOPIC_EXCEPTION: 'topic-missing',
  OFFSET_OUT_OF_RANGE: 'log-offset-out-of-range',
  SASL_AUTHENTICATION_FAILED: 'log-forbidden',
  TOPIC_AUTHORIZATION_FAILED: 'log-forbidden',
  GROUP_AUTHORIZATION_FAILED: 'log-forbidden',
  CLUSTER_AUTHORIZATION_FAILED: 'log-forbidden',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'log-forbidden',
  UNSUPPORTED_SASL_MECHANISM: 'log-forbidden',
};

/** The root cause; kafkajs wraps it once or twice. */
export function rootOf(thrown: unknown): KafkaFailure {
  const error = thrown as KafkaFailure;
  const inner = error.originalError ?? error.cause ?? error.errors?.[0];
  return inner instanceof Error && inner !== error ? rootOf(inner) : error;
}

/** True where another broker leads the partition now, or the metadata is not loaded. */
export function isStaleMetadata(thrown: unknown): boolean {
  const { type, name } = rootOf(thrown);
  return staleTypes.has(type ?? '') || name === 'KafkaJSTopicMetadataNotLoaded';
}

export function isOutOfRange(thrown: unknown): boolean {
  const { type, name } = rootOf(thrown);
  return type === 'OFFSET_OUT_OF_RANGE' || name === 'KafkaJSOffsetOutOfRange';
}

const staleTypes = new Set([
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'UNKNOWN_TOPIC_OR_PARTITION',
]);

/** `operation` names the failed operation, e.g. `reading the offsets of group join`. */
export function asLogError(
  thrown: unknown,
  operation: string,
  otherwise: ErrorCode = 'log-unavailable',
): HeadwaterError {
  if (thrown instanceof HeadwaterError) return thrown;
  const root = rootOf(thrown);
  if (root instanceof HeadwaterError) return root;
  if (root instanceof CorruptBatchError)
    return new HeadwaterError('log-batch-corrupt', root.message, { cause: root });
  if (root.name === 'KafkaJSConnectionError' && isPermanentFailure(root.code))
    return untrustedBroker(operation, root.message.split('\n')[0] ?? root.message, root);
  const code =
    codes[root.type ?? ''] ?? (root.name === 'KafkaJSSASLAuthenticationError' ? 'log-forbidden' : otherwise);
  const hint = hints[root.type ?? root.name] ?? '';
  return new HeadwaterError(code, `${operation} failed: ${root.message}${hint}`, { cause: thrown });
}

/** By Kafka's error name, or by the name of kafkajs' class. */
const hints: Readonly<Record<string, string>> = {
  KafkaJSConnectionClosedError: ' (a broker that requires TLS or a login also closes connections without it)',
  FENCED_INSTANCE_ID: '; give each process a GROUP_INSTANCE_ID of its own',
};
