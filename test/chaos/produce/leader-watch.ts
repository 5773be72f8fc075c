/** Counts changes of partition leaders from outside, independently of the product's own metric. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster.ts';

const intervalMs = 150;
const noticeMs = 2_000;
const patienceMs = 60_000;

export class LeaderWatch {
  readonly #leaders = new Map<string, { readonly leader: number; readonly epoch: number }>();
  readonly #end = new AbortController();
  readonly #watching: Promise<void>;
  /** Sum of the changed partitions. */
  moves = 0;

  constructor(cluster: Cluster, topics: readonly string[]) {
    this.#watching = this.#watch(cluster, topics);
  }

  /** Whether the number of moves exceeds `before`; brokers learn of a move with a delay. */
  async hasMoved(before: number): Promise<boolean> {
    const deadline = performance.now() + noticeMs;
    while (this.moves <= before && performance.now() < deadline) await sleep(intervalMs);
    return this.moves > before;
  }

  async close(): Promise<void> {
    this.#end.abort();
    await this.#watching.catch(() => undefined);
  }

  async #watch(cluster: Cluster, topics: readonly string[]): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      const state = await cluster.describe(topics, signal, patienceMs).catch(() => undefined);
      for (const [topic, partitions] of state?.topics ?? []) {
        for (const { partition, leader, epoch } of partitions)
          this.#see(`${topic}-${partition}`, leader, epoch);
      }
      await sleep(intervalMs, undefined, { signal });
    }
  }

  /** Brokers may disagree: the higher epoch counts. A partition without a leader has not moved yet. */
  #see(place: string, leader: number, epoch: number): void {
    const known = this.#leaders.get(place);
    if (leader < 0 || epoch < (known?.epoch ?? 0)) return;
    if (known !== undefined && known.leader !== leader) this.moves += 1;
    this.#leaders.set(place, { leader, epoch });
  }
}
