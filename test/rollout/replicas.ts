/** Replicas of the services behind one balancer for each HTTP interface; they are restarted, added and removed. */

import { randomBytes } from 'node:crypto';
import { eventually } from '@headwater/testing/eventually';
import type { Site } from '../chaos/installation.ts';
import type { ServiceName, SupervisedProcess } from '../chaos/supervised.ts';
import { findFreePort } from '../child-process.ts';
import { Balancer, type Replica } from './balancer.ts';

export const counts = { ingest: 2, extract: 3, classify: 3 } as const;

/** Settings of the trial: a replica is out of the balancer before it stops listening, and all answer as one. */
export const environment = {
  STOP_DRAIN_DELAY: '3s',
  STOP_GRACE: '9s',
  PEER_SECRET: randomBytes(32).toString('base64'),
} as const;

export class Replicas {
  readonly #site: Site;
  readonly #balancers: Readonly<Record<ServiceName, Balancer | undefined>>;
  readonly #listed = new Map<SupervisedProcess, Replica>();

  private constructor(site: Site, ingest: Balancer, classify: Balancer) {
    this.#site = site;
    this.#balancers = { ingest, extract: undefined, classify };
  }

  static async start(site: Site, signal: AbortSignal): Promise<Replicas> {
    const replicas = new Replicas(site, await Balancer.open(), await Balancer.open());
    signal.addEventListener('abort', () => void site.destroy(), { once: true });
    // One after the other: each service creates the missing topics.
    for (const service of ['ingest', 'extract', 'classify'] as const) await replicas.add(service);
    for (const service of ['ingest', 'extract', 'classify'] as const) {
      const missing = Array.from({ length: counts[service] - 1 });
      await Promise.all(missing.map(() => replicas.add(service)));
    }
    signal.throwIfAborted();
    return replicas;
  }

  get ingestUrl(): string {
    return this.#balancers.ingest?.url ?? '';
  }

  get classifyUrl(): string {
    return this.#balancers.classify?.url ?? '';
  }

  /** Requests that no replica could answer. */
  get failures(): number {
    return (this.#balancers.ingest?.failures ?? 0) + (this.#balancers.classify?.failures ?? 0);
  }

  of(service: ServiceName): SupervisedProcess[] {
    return this.#site.services.filter((one) => one.service === service);
  }

  /** Resolves when the new process is ready. */
  async add(service: ServiceName): Promise<SupervisedProcess> {
    const port = await findFreePort();
    const url = `http://127.0.0.1:${port}`;
    const address = service === 'classify' ? { HTTP_ADVERTISED_URL: url } : {};
    const added = await this.#site.add(service, { HTTP_PORT: String(port), ...address });
    const balancer = this.#balancers[service];
    if (balancer !== undefined) {
      const replica = { url, probeUrl: `${added.adminUrl}/readyz` };
      this.#listed.set(added, replica);
      balancer.add(replica);
    }
    await added.start();
    return added;
  }

  /** Stops it for good. Errors: another exit code than 0. */
  async remove(process: SupervisedProcess): Promise<void> {
    await stop(process);
    const replica = this.#listed.get(process);
    if (replica !== undefined) this.#balancers[process.service]?.remove(replica);
    this.#site.services.splice(this.#site.services.indexOf(process), 1);
    await process.destroy();
  }

  /** Restarts all processes of a service, one after the other, each when the one before is ready. */
  async roll(service: ServiceName, checkout?: string): Promise<void> {
    for (const process of this.of(service)) {
      await stop(process);
      if (checkout !== undefined) process.checkout = checkout;
      await process.start();
      await this.#untilListed(process);
    }
  }

  /** As an orchestrator does before it goes on with the next one. */
  async #untilListed(process: SupervisedProcess): Promise<void> {
    const replica = this.#listed.get(process);
    if (replica !== undefined) await eventually(() => this.#balancers[process.service]?.isReady(replica));
  }

  async close(): Promise<void> {
    await Promise.all([this.#balancers.ingest?.close(), this.#balancers.classify?.close()]);
  }
}

async function stop(process: SupervisedProcess): Promise<void> {
  const code = await process.stop();
  if (code !== 0) throw new Error(`${process.name} ended with ${code} after SIGTERM`);
}
