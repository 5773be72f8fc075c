/**
 * What a service is to the process that runs it: `main.ts` (one service a process) and the `headwater`
 * command (all of them in one) start the same function with the same dependencies.
 */

import type { BlobStore } from '@headwater/blobs';
import type { Log, Logger, Names } from '@headwater/log';
import type { SchemaIds } from '@headwater/schemas';
import type { Health } from '../health/health.ts';
import type { Metrics } from '../metrics/metrics.ts';

/** What every service is given: clients that are open, and names that are decided. */
export interface ServiceDependencies {
  readonly log: Log;
  readonly schemaIds: SchemaIds;
  readonly blobs: BlobStore;
  readonly names: Names;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
}

export interface Service {
  readonly name: string;
  /** Base URL of the HTTP interface, where the service has one, e.g. `http://127.0.0.1:8080`. */
  readonly url?: string;
  /** Rejects with the reason when the service cannot go on; resolves after `stop`. */
  readonly stopped: Promise<void>;
  /** Graceful: takes no more work, commits what is in flight, frees what it holds. Idempotent. */
  stop(): Promise<void>;
  /** Called in place of `stop`, or during it, where the process ends at once on request. Must not wait for anything. */
  abandon?(): void;
}

/** Starts a service; resolves when it is ready to work. */
export type StartService<Config> = (config: Config, dependencies: ServiceDependencies) => Promise<Service>;
