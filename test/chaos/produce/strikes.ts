/** Faults that move leaders or lose responses while senders send. */
import { setTimeout as sleep } from 'node:timers/promises';
import { moveLeaders } from '@headwater/local-kafka';
import type { Cluster } from '../cluster/cluster.ts';

export const strikeKinds = ['restart', 'reassign', 'kill', 'lost-answers', 'freeze'] as const;
export type StrikeKind = (typeof strikeKinds)[number];

export interface Stage {
  readonly cluster: Cluster;
  readonly topics: readonly string[];
  readonly signal: AbortSignal;
}

/** Longer than `broker.session.timeout.ms` of the local Kafka: others lead before it wakes. */
const frozenMs = 6_000;
const killedMs = 5_000;
const lostMs = 800;
const patienceMs = 60_000;

/** `index` selects the broker. Resolves when the broker works again. Errors: the signal's reason. */
export async function strike(kind: StrikeKind, index: number, stage: Stage): Promise<void> {
  const { cluster, signal } = stage;
  const node = cluster.node(index);
  const wait = (ms: number) => sleep(ms, undefined, { signal });
  if (kind === 'restart') {
    await node.stop();
    await cluster.startNode(node);
  } else if (kind === 'kill') {
    await node.kill();
    await wait(killedMs);
    await cluster.startNode(node);
  } else if (kind === 'reassign') {
    await cluster.ask((port) => moveLeaders(port, stage.topics), signal, patienceMs);
  } else if (kind === 'lost-answers') {
    await loseAnswers(stage, index);
  } else {
    await freeze(node.pid, () => wait(frozenMs));
  }
}

/** Requests arrive, but their responses are lost with the connection. */
async function loseAnswers({ cluster, signal }: Stage, index: number): Promise<void> {
  const proxy = cluster.proxy(index);
  proxy.cut('responses');
  try {
    await sleep(lostMs, undefined, { signal });
    proxy.drop();
  } finally {
    proxy.heal();
  }
}

/** Its connections stay open; it resumes as a deposed leader. */
async function freeze(pid: number | undefined, meanwhile: () => Promise<void>): Promise<void> {
  if (pid === undefined) return;
  process.kill(-pid, 'SIGSTOP');
  await meanwhile().finally(() => process.kill(-pid, 'SIGCONT'));
}
