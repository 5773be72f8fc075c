/**
 * The table of error codes. Codes are part of the public contract (logs, problem documents, dead-letter
 * headers): add codes, never rename them. `docs/reference/errors.md` is generated from this table.
 */
import type { Verdict } from './verdict.ts';

interface ErrorCodeEntry {
  readonly verdict: Verdict;
  /** The condition under which this error is thrown. */
  readonly when: string;
}

export const errorCodes = {
  unexpected: { verdict: 'stop', when: 'unexpected exception' },
  'config-invalid': { verdict: 'stop', when: 'environment variables or options are missing or wrong' },
  'wire-format-invalid': {
    verdict: 'dead-letter',
    when: 'a record does not start with 0x00 and a schema id',
  },
  'schema-unknown': {
    verdict: 'dead-letter',
    when: 'a record names a schema id that is in neither the registry nor this version',
  },
  'schema-incompatible': {
    verdict: 'stop',
    when: 'a schema cannot be registered, or a writer schema cannot be read with ours',
  },
  'schema-registry-unavailable': { verdict: 'retry', when: 'the schema registry does not respond' },
  'avro-invalid': {
    verdict: 'dead-letter',
    when: 'an Avro body is truncated, too long, or violates its schema',
  },
  'record-empty': { verdict: 'dead-letter', when: 'a record has an empty value where a message is needed' },
  'record-invalid': {
    verdict: 'dead-letter',
    when: 'a record is well-formed but violates a rule (key and id differ, time in the future, bad name)',
  },
  'record-too-large': { verdict: 'dead-letter', when: 'a record exceeds the limit of its topic' },
  'image-unreadable': {
    verdict: 'dead-letter',
    when: 'bytes are not an image of a supported type, or are damaged',
  },
  'image-too-large': { verdict: 'dead-letter', when: 'an image exceeds the limit on bytes or pixels' },
  'image-type-unsupported': {
    verdict: 'dead-letter',
    when: 'the media type, detected from the bytes, is not accepted, or the variant of the format cannot be decoded',
  },
  'record-unfit': {
    verdict: 'dead-letter',
    when: 'a record lacks a field that its extractor needs, or the field has another type',
  },
  'face-missing': { verdict: 'dead-letter', when: 'a face extractor found no face in the image' },
  'vector-not-finite': { verdict: 'dead-letter', when: 'an extractor returned NaN or infinity' },
  'vector-wrong-dimensions': {
    verdict: 'dead-letter',
    when: 'a vector does not have the dimensions of its contract',
  },
  'extractor-unknown': { verdict: 'stop', when: 'no extractor has this id' },
  'extractor-failed': {
    verdict: 'dead-letter',
    when: 'an extractor threw, hung, or ended its worker process on this image',
  },
  'sample-insufficient': {
    verdict: 'stop',
    when: 'a sample is too small or too uniform to fit an extractor',
  },
  'model-invalid': {
    verdict: 'stop',
    when: 'a model file is missing or damaged, or does not match its digest',
  },
  'statistics-overflow': { verdict: 'stop', when: 'more examples than the exact integer sums can hold' },
  'statistics-mismatch': {
    verdict: 'stop',
    when: 'statistics or vectors of different dimensions or extractors are combined',
  },
  'sample-incomplete': {
    verdict: 'stop',
    when: 'removals have used up the tuning sample of a head; refill the training set first',
  },
  'head-invalid': { verdict: 'stop', when: 'a stored head cannot be decoded' },
  'limit-exceeded': { verdict: 'dead-letter', when: 'tasks, classes or pending work exceed a limit' },
  'blob-missing': { verdict: 'dead-letter', when: 'the blob of a claim check does not exist' },
  'blob-corrupt': {
    verdict: 'dead-letter',
    when: 'a blob does not match the size or SHA-256 of its reference',
  },
  'blob-forbidden': { verdict: 'dead-letter', when: 'a claim check points outside the allowed stores' },
  'blob-store-unavailable': { verdict: 'retry', when: 'the blob store does not respond or is full' },
  'store-unavailable': { verdict: 'stop', when: 'the local store cannot be opened or written' },
  'log-unavailable': { verdict: 'retry', when: 'Kafka does not respond' },
  'log-not-writable': {
    verdict: 'retry',
    when: 'Kafka has accepted no records for some seconds; the request was rejected before anything was written',
  },
  'log-forbidden': {
    verdict: 'stop',
    when: 'Kafka rejects the credentials, or an ACL is missing for a topic, a group or a transactional id',
  },
  'log-untrusted': {
    verdict: 'stop',
    when: 'the certificate of a Kafka broker cannot be verified, or a broker rejects the client certificate',
  },
  'log-fenced': { verdict: 'retry', when: 'a newer owner has taken over the partition' },
  'log-instance-fenced': {
    verdict: 'stop',
    when: 'another process has joined a consumer group under the same GROUP_INSTANCE_ID',
  },
  'log-commit-unknown': { verdict: 'retry', when: 'a transaction ended without a known outcome' },
  'log-batch-corrupt': { verdict: 'stop', when: 'a record batch in the log cannot be decoded' },
  'log-offset-out-of-range': {
    verdict: 'stop',
    when: 'the committed offset is outside the log',
  },
  'topic-missing': { verdict: 'stop', when: 'a topic does not exist and must not be created' },
  'topic-mismatch': {
    verdict: 'stop',
    when: 'co-partitioned topics differ in partition counts, or partitions were added to a topic in use',
  },
  'request-invalid': { verdict: 'dead-letter', when: 'an HTTP request violates its schema' },
  unauthenticated: {
    verdict: 'dead-letter',
    when: 'an HTTP request has no token, or one that is not in AUTH_TOKENS',
  },
  forbidden: {
    verdict: 'dead-letter',
    when: 'the role of the token does not allow the request, or the request is cross-site',
  },
  'request-misdirected': {
    verdict: 'dead-letter',
    when: 'an HTTP request has an unknown Host header',
  },
  'not-found': { verdict: 'dead-letter', when: 'nothing exists under this id' },
  overloaded: { verdict: 'retry', when: 'too many requests in flight; retry later' },
  'timed-out': { verdict: 'retry', when: 'an operation did not finish in time' },
  'service-unavailable': { verdict: 'retry', when: 'a Headwater service does not respond over HTTP' },
  'partition-elsewhere': {
    verdict: 'retry',
    when: 'another process owns the partition of the request',
  },
  'group-rebalancing': {
    verdict: 'retry',
    when: 'partitions are being reassigned, and a request about them waited for too long',
  },
  'peer-unavailable': {
    verdict: 'retry',
    when: 'the process that owns the partition of a request does not answer, or does not prove its answer',
  },
  'head-not-ready': { verdict: 'retry', when: 'a task has no head yet' },
  'prerequisite-missing': {
    verdict: 'stop',
    when: 'Java, Maven or another program is not installed, or a requested GPU is not available',
  },
  'local-kafka-failed': { verdict: 'stop', when: 'the local Kafka did not start, or it ended' },
} as const satisfies Record<string, ErrorCodeEntry>;

export type ErrorCode = keyof typeof errorCodes;
