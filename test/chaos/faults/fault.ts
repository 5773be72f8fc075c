/** A fault: chosen by the seed before the run, it strikes once, and restores the state. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster.ts';
import type { Site } from '../installation.ts';
import type { FaultKind } from '../options.ts';
import type { SupervisedProcess } from '../supervised.ts';

export interface FaultContext {
  readonly site: Site;
  readonly cluster: Cluster;
  /** Prefix of topics, groups and transactional ids. */
  readonly prefix: string;
  /** Topics of the services' records. */
  readonly topics: readonly string[];
  readonly signal: AbortSignal;
  /** Runs exclusive operations one after the other. */
  alone(what: 'broker' | 'blobs', work: () => Promise<void>): Promise<void>;
}

export interface Fault {
  readonly kind: FaultKind;
  /** Its burst is sent over so many milliseconds, so that something is on its way all the time that it lasts; default at once. */
  readonly spreadMs?: number;
  /** Reports when it strikes, and its action. Resolves when the state is restored, or will recover by itself. */
  strike(scene: FaultContext, struck: (what: string) => void): Promise<void>;
}

const patienceMs = 120_000;

/** Waits for the first of these that is ready and under no other fault. */
export async function withTarget(
  { site, signal }: FaultContext,
  names: readonly string[],
  work: (target: SupervisedProcess) => Promise<void>,
): Promise<void> {
  const target = await findTarget(site, names, signal);
  target.isTaken = true;
  try {
    await work(target);
  } finally {
    target.isTaken = false;
  }
}

async function findTarget(
  site: Site,
  names: readonly string[],
  signal: AbortSignal,
): Promise<SupervisedProcess> {
  const deadline = performance.now() + patienceMs;
  while (performance.now() < deadline) {
    for (const name of site.isAwaited ? [] : names) {
      const service = site.services.find((one) => one.name === name);
      if (service?.isReady && !service.isTaken) return service;
    }
    await pause(100, signal);
  }
  throw new Error(`none of ${names.join(', ')} became ready within ${patienceMs / 1_000} s`);
}

/** Waits until all processes are ready and under no other fault; none is started meanwhile. */
export async function withAll({ site, signal }: FaultContext, work: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + patienceMs;
  site.isAwaited = true;
  let services: SupervisedProcess[] = [];
  try {
    while (site.services.some(({ isReady, isTaken }) => !isReady || isTaken)) {
      if (performance.now() > deadline)
        throw new Error(`not all services became ready in ${patienceMs / 1_000} s`);
      await pause(50, signal);
    }
    services = [...site.services];
    for (const service of services) service.isTaken = true;
    await work();
  } finally {
    for (const service of services) service.isTaken = false;
    site.isAwaited = false;
  }
}

export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal });
}

const inSyncMs = 180_000;

/** Waits until all replicas are in sync, and stay so for a while. */
export async function settleCluster(
  { cluster, topics, signal }: FaultContext,
  steadyMs: number,
): Promise<void> {
  if (!(await cluster.untilInSync(topics, signal, inSyncMs))) {
    throw new Error(`replicas were not in sync within ${inSyncMs / 1_000} s`);
  }
  await pause(steadyMs, signal);
}

export const inSeconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
