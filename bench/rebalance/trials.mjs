/**
 * What happens to a group of three classify processes. Each trial acts, waits until the group is stable with `members`
 * and every partition gives output again, and reports the longest pause of partitions that stayed and that moved.
 */
import { setTimeout } from 'node:timers/promises';

const patienceMs = 180_000;
/** Output is watched for a while before and after, so that a late rebalance counts. */
const calmMs = 4_000;

export const trials = [
  { name: 'join with an empty disk', members: 3, act: ({ third }) => third.start({ isStatic: false }) },
  { name: 'leave', members: 2, act: ({ third }) => third.stop('SIGTERM') },
  { name: 'join with the former disk', members: 3, act: ({ third }) => third.start() },
  { name: 'restart', members: 3, act: ({ third }) => restart(third, 'SIGTERM') },
  { name: 'kill and restart', members: 3, act: ({ third }) => restart(third, 'SIGKILL') },
  {
    name: 'kill and restart with an empty disk',
    members: 3,
    act: async ({ third }) => {
      await third.stop('SIGKILL');
      await third.eraseDisk();
      await third.start();
    },
  },
  { name: 'lost node', members: 2, act: ({ third }) => third.stop('SIGKILL') },
];

async function restart(member, signal) {
  await member.stop(signal);
  await member.start();
}

export async function runTrial(trial, { processes, outputs, ownersOf, partitions }) {
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  await flowing(outputs, all);
  await setTimeout(calmMs);
  const before = await ownersOf();
  const from = Date.now();
  await trial.act(processes);
  const after = await settled(trial, { outputs, ownersOf, partitions, from });
  await setTimeout(calmMs);
  const moved = all.filter((partition) => before.get(partition) !== after.get(partition));
  const stayed = all.filter((partition) => !moved.includes(partition));
  const logs = [processes.first, processes.second].map((member) => member.logged(from));
  return {
    stay: outputs.longestGap(stayed, from),
    move: outputs.longestGap(moved, from),
    moved: moved.length,
    rebalances: Math.max(...logs.map(({ assignments }) => assignments)),
    reopened: logs.flatMap(({ opened }) => opened).length,
    stores: processes.third.isRunning
      ? processes.third.logged(from).opened.map(({ outcome }) => outcome)
      : [],
  };
}

/** Resolves when every partition gives output: nothing of what was done before is still waited for. */
async function flowing(outputs, all) {
  const from = Date.now();
  while (!outputs.since(from, all)) {
    if (Date.now() > from + patienceMs) throw new Error('a partition gives no output');
    await setTimeout(100);
  }
}

/** Owners once the group has as many members as the trial ends with, and each partition gave output of its owner. */
async function settled({ name, members }, { outputs, ownersOf, partitions, from }) {
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  const deadline = Date.now() + patienceMs;
  let stableAt;
  for (;;) {
    const owners = await ownersOf();
    const isStable = owners.size === partitions && new Set(owners.values()).size === members;
    if (!isStable) stableAt = undefined;
    else stableAt ??= Date.now();
    if (stableAt !== undefined && outputs.since(Math.max(from, stableAt), all)) return owners;
    if (Date.now() > deadline) throw new Error(`${name}: the group did not settle`);
    await setTimeout(100);
  }
}

/** Resolves when all partitions are owned, by so many members. */
export async function stable(ownersOf, partitions, members) {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const owners = await ownersOf();
    if (owners.size === partitions && new Set(owners.values()).size === members) return;
    if (Date.now() > deadline) throw new Error(`the group did not become stable with ${members} members`);
    await setTimeout(100);
  }
}
