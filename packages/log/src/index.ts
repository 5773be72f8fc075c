/** The log: partition groups, followers and producers on Apache Kafka or in memory. */
export type * from './api.ts';
export { waitAtMost } from './backoff.ts';
export { createKafkaLog } from './kafka/kafka-log.ts';
export type { KafkaOptions, ProduceObserver } from './kafka/options.ts';
export type { Logger } from './logger.ts';
export { createMemoryLog } from './memory/log.ts';
export { deadLetterFields, imageFields, logsSteps } from './records/image-fields.ts';
export {
  deadLetterHeaders,
  deadLetterRecord,
  movedHeader,
  originalHeaders,
  sourceHeaders,
} from './records/provenance.ts';
export { failedRecordOf, type RecordPlace, sourceHeadersOf, sourceOf } from './records/record-places.ts';
export { type TraceHeaders, traceHeaders, traceHeadersOf, traceIdOf } from './records/trace-headers.ts';
export { partitionFor } from './topics/murmur2.ts';
export { createNames, type Names } from './topics/names.ts';
export { formerPartitions, type PlacedKey } from './topics/placement.ts';
export { findReplicationGaps, internalTopics } from './topics/replication-check.ts';
export { type TopicSpecsOptions, topicSpecs } from './topics/topic-specs.ts';
