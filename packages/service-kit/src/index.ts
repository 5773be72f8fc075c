/** Shared infrastructure of services: configuration, lifecycle, logs, metrics, health, access tokens. */
export {
  type AccessTokens,
  createToken,
  parseTokens,
  presentedToken,
  type TokenHolder,
} from './auth/access-tokens.ts';
export { type AccessRole, accessRoles, allows } from './auth/roles.ts';
export { type CommonConfig, commonEnvironment } from './configuration/common-environment.ts';
export { describeEnvironment } from './configuration/help.ts';
export { type Environment, loadConfig, readSecret } from './configuration/load.ts';
export { bareHost, hostNameOf, isLoopback } from './configuration/loopback.ts';
export { type EnvironmentSchema, listVariables, type Variable } from './configuration/variable-metadata.ts';
export * as variables from './configuration/variables.ts';
export { namesOf, openSchemaIds, prepareTopics, topicOptions } from './connections/clients.ts';
export { kafkaOptions } from './connections/kafka-client.ts';
export { openBlobs } from './connections/open-blobs.ts';
export { warnOfReplication } from './connections/replication-warnings.ts';
export {
  type AdminServer,
  type AdminServerOptions,
  adminAccess,
  startAdminServer,
} from './health/admin-server.ts';
export { createHealth, type Health } from './health/health.ts';
export { createLifecycle, type Lifecycle, type PartOptions } from './lifecycle/lifecycle.ts';
export type { ProcessHost } from './lifecycle/process-host.ts';
export { type RunServiceOptions, runService } from './lifecycle/run-service.ts';
export type * from './lifecycle/service.ts';
export { type StopBudget, stopBudget } from './lifecycle/stop-budget.ts';
export { createLogger, type LoggerOptions, type LogLevel, logLevels } from './logging/logger.ts';
export { observeProducing } from './metrics/kafka-metrics.ts';
export * from './metrics/metrics.ts';
