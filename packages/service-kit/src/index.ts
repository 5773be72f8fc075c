/** Shared infrastructure of services: configuration, lifecycle, logs, metrics, health, access tokens. */
export {
  type AccessTokens,
  createToken,
  parseTokens,
  presentedToken,
  type TokenHolder,
} from './auth/access-tokens.ts';
export { type AccessRole, accessRoles, allows } from './auth/roles.ts';
export {
  type CommonConfig,
  commonEnvironment,
  groupEnvironment,
} from './configuration/common-environment.ts';
export { type Environment, loadConfig, readSecret } from './configuration/load.ts';
export { bareHost, hostNameOf, isLoopback } from './configuration/loopback.ts';
export { listVariables, type Variable } from './configuration/variable-metadata.ts';
export * as variables from './configuration/variables.ts';
export { namesOf, openSchemaIds, prepareTopics, topicOptions } from './connections/clients.ts';
export { kafkaOptions } from './connections/kafka-client.ts';
export { openBlobs } from './connections/open-blobs.ts';
export { warnOfReplication } from './connections/replication-warnings.ts';
export { adminAccess, startAdminServer } from './health/admin-server.ts';
export { createHealth, type Health } from './health/health.ts';
export { createLifecycle, type Lifecycle } from './lifecycle/lifecycle.ts';
export { runService } from './lifecycle/run-service.ts';
export type * from './lifecycle/service.ts';
export { stopBudget } from './lifecycle/stop-budget.ts';
export { createLogger, type LogLevel, logLevels } from './logging/logger.ts';
export { createEventDelay, delayBuckets } from './metrics/event-delay.ts';
export { observeProducing } from './metrics/kafka-metrics.ts';
export * from './metrics/metrics.ts';
export { probeKafka, reportBuild, reportDisk } from './metrics/process-metrics.ts';
export type { RequestSpan, TracedRequest, Tracing } from './tracing/api.ts';
export { currentTrace, currentTraceFields } from './tracing/current-trace.ts';
export { openTracing, tracingOptionsOf } from './tracing/open-tracing.ts';
