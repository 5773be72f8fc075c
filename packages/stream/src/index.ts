/** What every service needs around Kafka: the log and its lanes, lifecycle, configuration, logs, metrics. */
export { type AccessRole, accessRoles, allows } from './access/roles.ts';
export {
  createToken,
  parseTokens,
  presentedToken,
  type TokenBook,
  type TokenHolder,
} from './access/token-book.ts';
export type * from './blobs/api.ts';
export { createFolderBlobStore, type FolderBlobStoreOptions } from './blobs/folder-store.ts';
export { openBlobs } from './blobs/open-blobs.ts';
export { type CommonConfig, commonEnvironment } from './config/common-environment.ts';
export { describeEnvironment } from './config/help.ts';
export { type Environment, loadConfig, readSecret } from './config/load.ts';
export { bareHost, hostNameOf, isLoopback } from './config/loopback.ts';
export { type EnvironmentSchema, listVariables, type Variable } from './config/notes.ts';
export * as variables from './config/variables.ts';
export { createHealth, type Health } from './health.ts';
export type * from './log/api.ts';
export { waitAtMost } from './log/backoff.ts';
export { createKafkaLog } from './log/kafka/kafka-log.ts';
export type { KafkaOptions, ProduceObserver } from './log/kafka/options.ts';
export { createMemoryLog } from './log/memory/log.ts';
export { partitionFor } from './log/murmur2.ts';
export { formerPartitions, type PlacedKey } from './log/placement.ts';
export {
  deadLetterHeaders,
  deadLetterRecord,
  movedHeader,
  originalHeaders,
  sourceHeaders,
} from './log/provenance.ts';
export { createLogger, type Logger, type LoggerOptions, type LogLevel, logLevels } from './logger.ts';
export * from './metrics.ts';
export { createNames, type Names, type NamesOptions } from './names.ts';
export { failedRecordOf, type RecordPlace, sourceHeadersOf, sourceOf } from './record-places.ts';
export {
  type AdminServer,
  type AdminServerOptions,
  adminAccess,
  startAdminServer,
} from './runtime/admin-server.ts';
export { namesOf, openSchemaIds, prepareTopics, topicOptions } from './runtime/clients.ts';
export { kafkaOptions } from './runtime/kafka-client.ts';
export { observeProducing } from './runtime/kafka-metrics.ts';
export { createLifecycle, type Lifecycle, type PartOptions } from './runtime/lifecycle.ts';
export type { ProcessHost } from './runtime/process-host.ts';
export { warnOfReplication } from './runtime/replication-warnings.ts';
export { type RunServiceOptions, runService } from './runtime/run-service.ts';
export { type StopBudget, stopBudget } from './runtime/stop-budget.ts';
export type * from './service.ts';
export { type TopicSpecsOptions, topicSpecs } from './topic-specs.ts';
