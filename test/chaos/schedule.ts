/** Which faults strike, in which order and when: all of it from the seed. */
import { createBlobFault } from './faults/blobs.ts';
import { createBrokerRestart } from './faults/broker.ts';
import { createCoordinatorKill } from './faults/coordinator.ts';
import { createFullDisk } from './faults/disk.ts';
import type { Fault } from './faults/fault.ts';
import { createKill } from './faults/kill.ts';
import { createLeaderMove } from './faults/leaders.ts';
import { createNetworkFault } from './faults/network.ts';
import { createPause } from './faults/pause.ts';
import { createRebalance } from './faults/rebalance.ts';
import { createRollingRestart } from './faults/rolling.ts';
import { createStateFault } from './faults/state.ts';
import { createTwoKills } from './faults/two.ts';
import { type FaultKind, faultKinds } from './options.ts';
import { createRandom, type Random } from './random.ts';

export interface Scheduled {
  readonly fault: Fault;
  /** Milliseconds after its burst began: while that is under way. */
  readonly afterMs: number;
  /** Milliseconds until the next burst. */
  readonly restMs: number;
}

const create: Readonly<Record<FaultKind, (random: Random, index: number) => Fault>> = {
  kill: createKill,
  pause: createPause,
  broker: createBrokerRestart,
  rebalance: createRebalance,
  blobs: createBlobFault,
  state: createStateFault,
  network: createNetworkFault,
  rolling: createRollingRestart,
  two: createTwoKills,
  coordinator: createCoordinatorKill,
  leaders: createLeaderMove,
  disk: createFullDisk,
};

/** `counts` says how often each kind strikes. */
export function createSchedule(seed: number, counts: Readonly<Record<FaultKind, number>>): Scheduled[] {
  const random = createRandom(seed, 'faults');
  const faults = faultKinds.flatMap((kind) =>
    Array.from({ length: counts[kind] }, (_, index) => create[kind](random, index)),
  );
  return random.shuffle(faults).map((fault) => ({
    fault,
    afterMs: random.integer(0, 600),
    restMs: random.integer(1_500, 5_000),
  }));
}
