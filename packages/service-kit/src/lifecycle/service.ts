/**
 * The interface between a service and its process. `main.ts` (one service per process) and the `headwater` command
 * (all services in one process) call the same start function with the same dependencies.
 */
import type { BlobStore } from '@headwater/blobs';
import type { Log, Logger, Names } from '@headwater/log';
import type { SchemaIds } from '@headwater/schemas';
import type { Health } from '../health/health.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Tracing } from '../tracing/api.ts';

/** Open clients and names that every service gets. */
export interface ServiceDependencies {
  readonly log: Log;
  readonly schemaIds: SchemaIds;
  readonly blobs: BlobStore;
  readonly names: Names;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
  /** Absent where tracing is off; `log` is traced already. */
  readonly tracing?: Tracing | undefined;
}

export interface Service {
  readonly name: string;
  /** Base URL of the HTTP interface, where the service has one, e.g. `http://127.0.0.1:8080`. */
  readonly url?: string;
  /** Rejects when the service fails; resolves after `stop`. */
  readonly stopped: Promise<void>;
  /** Stops gracefully: accepts no more work, commits work in flight, releases resources. Idempotent. */
  stop(): Promise<void>;
  /** Called instead of `stop` or during it, when the process must exit immediately. Must be synchronous. */
  abandon?(): void;
}

/** Starts a service; resolves when it is ready to work. */
export type StartService<Config> = (config: Config, dependencies: ServiceDependencies) => Promise<Service>;
