/**
 * Questions to the whole installation: to the owner of one partition, or to the owners of all. Each is answered by a
 * process from its own partitions alone, so that no request can travel in a loop.
 */
import { setTimeout } from 'node:timers/promises';
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import type { LogAdmin, Logger } from '@headwater/log';
import type { TokenHolder } from '@headwater/service-kit';
import { PeerClient, PeerFailure, type PeerResponse } from './peer-client.ts';
import { type Owners, PeerDirectory, rebalancing } from './peer-directory.ts';
import type { PeerConfig } from './peer-environment.ts';

/** An answer about some partitions of a group. */
export interface PartialAnswer {
  readonly partitions: readonly number[];
}

export interface Gathered<T> {
  /** In the order of their first partition, so that each process merges alike. */
  readonly answers: readonly T[];
  /** Partitions that no process answered for, ascending. */
  readonly missing: readonly number[];
}

export interface PeerQuestion {
  readonly group: string;
  /** Path and query. */
  readonly path: string;
  readonly caller: TokenHolder | null;
  readonly signal?: AbortSignal | undefined;
}

export interface PeersOptions {
  readonly admin: Pick<LogAdmin, 'describeGroup'>;
  readonly client: PeerClient;
  /** Advertised URL of this process; undefined where no other process asks it. */
  readonly self: string | undefined;
  readonly logger: Logger;
  /** How long a question waits for a rebalance. */
  readonly waitMs?: number;
}

const defaultWaitMs = 3_000;
const pauseMs = 100;
/** For a part of an answer, which is read from memory or a local store. */
const partTimeoutMs = 3_000;
/** For a whole answer, which may be computed for seconds. */
const wholeTimeoutMs = 55_000;
/** A process that fails again and again is logged once in so long. */
const logEveryMs = 30_000;

const anonymous: TokenHolder = { name: 'anonymous', role: 'read' };

/**
 * Undefined without PEER_SECRET: the process answers alone. `groups` are those that will be asked. Errors: log-forbidden
 * where they may not be described, log-unavailable.
 */
export async function openPeers(
  config: PeerConfig,
  { groups, ...options }: Omit<PeersOptions, 'client'> & { readonly groups: readonly string[] },
): Promise<Peers | undefined> {
  const { PEER_SECRET: secret, PEER_TLS_CA: ca, PEER_TLS_NAME: serverName } = config;
  if (secret === undefined) return undefined;
  await Promise.all(groups.map((group) => options.admin.describeGroup(group)));
  return new Peers({ ...options, client: new PeerClient({ secret, ca, serverName }) });
}

export class Peers {
  readonly #options: PeersOptions;
  readonly #directory: PeerDirectory;
  readonly #loggedAt = new Map<string, number>();

  constructor(options: PeersOptions) {
    this.#options = options;
    this.#directory = new PeerDirectory(options.admin);
  }

  /**
   * The answer of the process that owns the partition. `local` answers where this process owns it, and throws
   * partition-elsewhere where it does not. Errors: group-rebalancing, peer-unavailable, and those of `local`.
   */
  async owner<T>(
    partition: number,
    question: PeerQuestion,
    local: () => Promise<T>,
  ): Promise<{ readonly local: T } | { readonly remote: PeerResponse }> {
    const deadline = this.#deadline();
    let failed: string | undefined;
    for (;;) {
      const own = await here(local);
      if (own !== undefined) return own;
      const owners = await this.#directory.owners(question.group, deadline);
      const address = owners.get(partition);
      const isElsewhere = address !== undefined && address !== this.#options.self;
      if (isElsewhere && address === failed) throw this.unanswered(partition);
      if (isElsewhere) {
        const remote = await this.#get(address, question, wholeTimeoutMs);
        if (remote instanceof PeerFailure) failed = address;
        else if (remote.status !== misdirected) return { remote };
      }
      // Without an owner that can be asked, or after the answer "not mine": the assignment is changing, or has changed.
      if (performance.now() > deadline) throw isElsewhere ? rebalancing() : this.unanswered(partition);
      await this.#pause(question.group, deadline);
    }
  }

  /** The answers for these partitions of a group, each from its owner. Errors: group-rebalancing. */
  async gather<T extends PartialAnswer>(
    wanted: readonly number[],
    question: PeerQuestion,
    local: () => Promise<T>,
  ): Promise<Gathered<T>> {
    const deadline = this.#deadline();
    let before: Set<string> | undefined;
    for (;;) {
      const owners = await this.#directory.owners(question.group, deadline);
      const own = await local();
      const { answers, failures } = await this.#ask<T>(ownersOf(wanted, owners), question, own);
      const found = combine([own, ...answers], wanted);
      if (found !== undefined && found.missing.length === 0) return found;
      // Processes that fail twice do not answer; any other gap closes when the assignment has settled.
      const isSilent = silence(owners, failures, before);
      if (found?.missing.every(isSilent) === true) return found;
      if (performance.now() > deadline) {
        if (found === undefined) throw rebalancing();
        return found;
      }
      before = new Set([...(before ?? []), ...failures.map(({ address }) => address)]);
      await this.#pause(question.group, deadline);
    }
  }

  /** The error where the owner of a partition does not answer. */
  unanswered(partition: number): HeadwaterError {
    return new HeadwaterError(
      'peer-unavailable',
      'the process that owns the partition does not answer; retry later',
      { context: { partition } },
    );
  }

  close(): void {
    this.#options.client.close();
  }

  #deadline(): number {
    return performance.now() + (this.#options.waitMs ?? defaultWaitMs);
  }

  async #ask<T extends PartialAnswer>(owners: Owners, question: PeerQuestion, own: T) {
    const others = new Set(
      [...owners].filter(([partition]) => !own.partitions.includes(partition)).map(([, address]) => address),
    );
    if (this.#options.self !== undefined) others.delete(this.#options.self);
    const answers: T[] = [];
    const failures: PeerFailure[] = [];
    const ask = async (address: string) => {
      const response = await this.#get(address, question, partTimeoutMs);
      const answer = response instanceof PeerFailure ? undefined : answerOf<T>(response);
      if (answer !== undefined) answers.push(answer);
      else if (response instanceof PeerFailure) failures.push(response);
      else failures.push(new PeerFailure(`it answered ${response.status}`, address, false));
    };
    await Promise.all([...others].map(ask));
    return { answers, failures };
  }

  async #get(
    address: string,
    { path, caller, signal }: PeerQuestion,
    timeoutMs: number,
  ): Promise<PeerResponse | PeerFailure> {
    try {
      const request = { path, caller: caller ?? anonymous, timeoutMs, signal };
      return await this.#options.client.get(address, request);
    } catch (error) {
      if (!(error instanceof PeerFailure) || signal?.aborted === true) throw asHeadwaterError(error);
      this.#log(error);
      return error;
    }
  }

  /** At a bounded rate: a false member chooses its address, and may fail as often as it is asked. */
  #log({ address, reason }: PeerFailure): void {
    const now = performance.now();
    for (const [known, at] of this.#loggedAt) if (now - at > logEveryMs) this.#loggedAt.delete(known);
    if (this.#loggedAt.has(address)) return;
    this.#loggedAt.set(address, now);
    this.#options.logger.warn({ address, reason }, 'another process of the installation does not answer');
  }

  async #pause(group: string, deadline: number): Promise<void> {
    await setTimeout(pauseMs);
    await this.#directory.refresh(group, deadline);
  }
}

const misdirected = 421;

/** Undefined for a problem, or for an answer of another version. */
function answerOf<T extends PartialAnswer>({ status, body }: PeerResponse): T | undefined {
  if (status !== 200) return undefined;
  const answer = JSON.parse(body.toString('utf8')) as Partial<T>;
  return Array.isArray(answer.partitions) ? (answer as T) : undefined;
}

async function here<T>(local: () => Promise<T>): Promise<{ readonly local: T } | undefined> {
  try {
    return { local: await local() };
  } catch (error) {
    if (error instanceof HeadwaterError && error.code === 'partition-elsewhere') return undefined;
    throw error;
  }
}

/** Whether a partition has no answer: its owner failed before and now, or timed out, or it had none before and now. */
function silence(owners: Owners, failures: readonly PeerFailure[], before: ReadonlySet<string> | undefined) {
  const silent = new Set(
    failures
      .filter(({ address, isLate }) => isLate || before?.has(address) === true)
      .map(({ address }) => address),
  );
  return (partition: number): boolean => {
    const address = owners.get(partition);
    return address === undefined ? before !== undefined : silent.has(address);
  };
}

function ownersOf(wanted: readonly number[], owners: Owners): Owners {
  return new Map([...owners].filter(([partition]) => wanted.includes(partition)));
}

/** Undefined where two processes answer for one partition: that would count it twice. */
function combine<T extends PartialAnswer>(
  answers: readonly T[],
  wanted: readonly number[],
): Gathered<T> | undefined {
  const wantedOf = (answer: T) => answer.partitions.filter((partition) => wanted.includes(partition));
  const covered = answers.flatMap(wantedOf);
  const distinct = new Set(covered);
  if (distinct.size < covered.length) return undefined;
  const missing = wanted.filter((partition) => !distinct.has(partition));
  const first = (answer: T) => Math.min(...wantedOf(answer));
  // A process without a partition is not asked by the others, so its own answer does not count here either.
  const owning = answers.filter((answer) => wantedOf(answer).length > 0);
  return { answers: owning.sort((a, b) => first(a) - first(b)), missing };
}
