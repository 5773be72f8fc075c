/**
 * The table of error codes. Codes are part of the public contract (logs, problem documents, dead-letter
 * headers): add to it, never rename. `docs/reference/errors.md` shows this table.
 */
import type { Verdict } from './verdict.ts';

interface ErrorCodeEntry {
  readonly verdict: Verdict;
  /** When this error is thrown. */
  readonly when: string;
}

export const errorCodes = {
  unexpected: { verdict: 'stop', when: 'something was thrown that no part of Headwater foresaw' },
  'config-invalid': { verdict: 'stop', when: 'environment variables or options are missing or wrong' },
  'wire-format-invalid': {
    verdict: 'dead-letter',
    when: 'a record does not start with 0x00 and a schema id',
  },
  'schema-unknown': {
    verdict: 'dead-letter',
    when: 'a record names a schema id that neither the registry nor this version knows',
  },
  'schema-incompatible': {
    verdict: 'stop',
    when: 'a schema cannot be registered, or a writer schema cannot be read with ours',
  },
  'schema-registry-unavailable': { verdict: 'retry', when: 'the schema registry does not answer' },
  'avro-invalid': {
    verdict: 'dead-letter',
    when: 'an Avro body is cut short, too long, or breaks its schema',
  },
  'record-empty': { verdict: 'dead-letter', when: 'a record has an empty value where a message is needed' },
  'record-invalid': {
    verdict: 'dead-letter',
    when: 'a record is well-formed but breaks a rule (key and id differ, time in the future, bad name)',
  },
  'record-too-large': { verdict: 'dead-letter', when: 'a record exceeds the limit of its topic' },
  'image-unreadable': {
    verdict: 'dead-letter',
    when: 'bytes are not an image of a supported type, or are damaged',
  },
  'image-too-large': { verdict: 'dead-letter', when: 'an image exceeds the limit on bytes or pixels' },
  'image-type-unsupported': {
    verdict: 'dead-letter',
    when: 'the media type, found by looking at the bytes, is not accepted, or the file is of a kind that cannot be decoded',
  },
  'record-unfit': {
    verdict: 'dead-letter',
    when: 'a record lacks a field that its extractor needs, or has one of another type',
  },
  'face-missing': { verdict: 'dead-letter', when: 'an extractor of faces found none in the image' },
  'vector-not-finite': { verdict: 'dead-letter', when: 'an extractor answered NaN or infinity' },
  'vector-wrong-dimensions': {
    verdict: 'dead-letter',
    when: 'a vector does not have the dimensions of its contract',
  },
  'extractor-unknown': { verdict: 'stop', when: 'no extractor has this id' },
  'extractor-failed': {
    verdict: 'dead-letter',
    when: 'an extractor threw, hung, or killed its worker on this image',
  },
  'sample-insufficient': {
    verdict: 'stop',
    when: 'a sample is too small, or too uniform, for an extractor to learn from',
  },
  'model-invalid': { verdict: 'stop', when: 'a model file is missing, damaged, or not what its digest says' },
  'statistics-overflow': { verdict: 'stop', when: 'more examples than exact integer sums allow' },
  'statistics-mismatch': {
    verdict: 'stop',
    when: 'statistics or vectors of different dimensions or extractors meet',
  },
  'sample-incomplete': {
    verdict: 'stop',
    when: 'removals have used up the sample that a head is tuned on; the labelled set must be refilled first',
  },
  'head-invalid': { verdict: 'stop', when: 'a stored head cannot be read' },
  'limit-exceeded': { verdict: 'dead-letter', when: 'tasks, classes or pending work exceed a limit' },
  'blob-missing': { verdict: 'dead-letter', when: 'a claim check points to nothing' },
  'blob-corrupt': {
    verdict: 'dead-letter',
    when: 'a blob does not have the size or the SHA-256 that its reference states',
  },
  'blob-forbidden': { verdict: 'dead-letter', when: 'a claim check points outside the allowed store' },
  'blob-store-unavailable': { verdict: 'retry', when: 'the blob store does not answer or is full' },
  'store-unavailable': { verdict: 'stop', when: 'the local store cannot be opened or written' },
  'log-unavailable': { verdict: 'retry', when: 'Kafka does not answer' },
  'log-not-writable': {
    verdict: 'retry',
    when: 'Kafka has not taken records for some seconds; a request was refused before anything of it was written',
  },
  'log-forbidden': {
    verdict: 'stop',
    when: 'Kafka refuses the credentials, or an ACL is missing for a topic, a group or a transactional id',
  },
  'log-untrusted': {
    verdict: 'stop',
    when: 'the certificate of a Kafka broker cannot be verified, or a broker refuses ours',
  },
  'log-fenced': { verdict: 'retry', when: 'a newer owner has taken a partition over' },
  'log-commit-unknown': { verdict: 'retry', when: 'a transaction ended without a known outcome' },
  'log-batch-corrupt': { verdict: 'stop', when: 'a batch in the log cannot be read at all' },
  'log-offset-out-of-range': {
    verdict: 'stop',
    when: 'the committed offset is no longer (or not yet) in the log',
  },
  'topic-missing': { verdict: 'stop', when: 'a topic does not exist and may not be created' },
  'topic-mismatch': {
    verdict: 'stop',
    when: 'topics that are read together differ in partitions, or partitions were added to one that is in use',
  },
  'request-invalid': { verdict: 'dead-letter', when: 'an HTTP request breaks its schema' },
  unauthenticated: {
    verdict: 'dead-letter',
    when: 'an HTTP request has no token, or one that AUTH_TOKENS does not know',
  },
  forbidden: {
    verdict: 'dead-letter',
    when: 'the role of a token does not allow the request, or a page of another site has sent it',
  },
  'request-misdirected': {
    verdict: 'dead-letter',
    when: 'an HTTP request names a host that this service does not go by',
  },
  'not-found': { verdict: 'dead-letter', when: 'nothing is known under this id' },
  overloaded: { verdict: 'retry', when: 'too much is in flight; try again after a while' },
  'timed-out': { verdict: 'retry', when: 'an answer did not come in time' },
  'service-unavailable': { verdict: 'retry', when: 'a service of Headwater does not answer over HTTP' },
  'partition-elsewhere': {
    verdict: 'retry',
    when: 'another process works on the partition that the request is about',
  },
  'head-not-ready': { verdict: 'retry', when: 'a task has no head yet' },
  'prerequisite-missing': {
    verdict: 'stop',
    when: 'Java, Maven or another program is not installed, or a GPU that is asked for is not there',
  },
  'local-kafka-failed': { verdict: 'stop', when: 'the local Kafka did not start or died' },
} as const satisfies Record<string, ErrorCodeEntry>;

export type ErrorCode = keyof typeof errorCodes;
