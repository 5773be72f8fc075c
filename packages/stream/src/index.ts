/** What every service needs around Kafka: the log and its lanes, lifecycle, configuration, logs, metrics. */
export type * from './blobs/api.ts';
export type * from './health.ts';
export type * from './log/api.ts';
export type * from './logger.ts';
export type * from './metrics.ts';
export type * from './names.ts';
export type * from './service.ts';
