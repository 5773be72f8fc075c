/** Options of the command, and its help. */
import { parseArgs } from 'node:util';
import { countOf } from '../trial.ts';

/** Faults that need several brokers come last. */
export const faultKinds = [
  'kill',
  'pause',
  'broker',
  'rebalance',
  'blobs',
  'state',
  'network',
  'rolling',
  'two',
  'coordinator',
  'leaders',
  'disk',
] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface ChaosOptions {
  readonly seed: number;
  readonly brokers: number;
  /** Number of faults of each kind. */
  readonly counts: Readonly<Record<FaultKind, number>>;
  readonly imagesPerFault: number;
  /** Senders alone, without services. */
  readonly produce: { readonly records: number; readonly moves: number } | undefined;
  readonly json: boolean;
  readonly keep: boolean;
}

export const help = `npm run chaos -- [options]

Runs a real Apache Kafka of one broker or several and the services as processes of their own (ingest, two of extract, two of
classify), streams images with labels, corrections and retractions through them, and breaks things meanwhile. Then every record
of every output is checked against what was sent, by a client that is not ours (librdkafka, read_committed), and the head's
digest against that of a run of the same stream without faults.

  --brokers N       brokers of the cluster: 1, or 3 that replicate (default 1; 3 with --only produce)
  --kills N         services ended by SIGKILL (default 10)
  --only KIND       that kind of fault alone, --kills times; or produce: senders without services, while leaders move
  --seed S          a whole number; the same stream, and the same faults in the same order (default 1)
  --images N        images sent with each fault (default 40)
  --keep            keep the folder with all logs, also where everything went well
  --json            the last line of standard output is a JSON object (the summary is one in any case)
  --help

How often the other kinds strike; the default is a share of the kills:
  --pauses N        pause: a service is held by SIGSTOP for longer than the session time-out (a sixth)
  --restarts N      broker: one broker is restarted, every other time by SIGKILL (an eighth)
  --rebalances N    rebalance: a third process joins its group, and leaves it (an eighth)
  --blobs N         blobs: the blob store is away, full or slow (a tenth)
  --state N         state: a folder of local state is lost, away or full (a tenth)
and on several brokers, else none:
  --networks N      network: a broker's connections are cut in one direction, or slow (an eighth)
  --rollings N      rolling: all brokers are restarted, one after the other (a fifteenth)
  --twos N          two: two brokers are killed, which leaves less than min.insync.replicas (a fifteenth)
  --coordinators N  coordinator: the broker that coordinates a group, or transactions, is killed (a tenth)
  --leaders N       leaders: other replicas lead all partitions (a sixth)
  --disks N         disk: the disk of a broker is full, until it has ended over it (a fifteenth)

With --only produce:
  --records N       records acknowledged, at least (default 100000)
  --moves N         moves of leaders, at least (default 12)

Needs Java 17, Maven, and Python 3 with venv; some 20 MB of Python packages are fetched once. The first kinds take about five seconds a
fault on two cores: 30 kills with everything that comes with them, less than six minutes on one broker.

Exit codes: 0 nothing lost, nothing twice, digests equal; 1 a finding or a failure (the logs are kept, and named); 2 wrong usage;
130 and 143 ended before the run was over.
`;

const integer = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;

/** The option of each kind, and its default: one for that many kills, on one broker and on several. */
const countOptions = {
  pause: ['pauses', 6, 6],
  broker: ['restarts', 8, 8],
  rebalance: ['rebalances', 8, 8],
  blobs: ['blobs', 10, 10],
  state: ['state', 10, 10],
  network: ['networks', Infinity, 8],
  rolling: ['rollings', Infinity, 15],
  two: ['twos', Infinity, 15],
  coordinator: ['coordinators', Infinity, 10],
  leaders: ['leaders', Infinity, 6],
  disk: ['disks', Infinity, 15],
} as const satisfies Record<Exclude<FaultKind, 'kill'>, readonly [string, number, number]>;

/** Undefined where help is requested. Throws an Error with a message for the user. */
export function readOptions(args: readonly string[]): ChaosOptions | undefined {
  const counting = Object.values(countOptions).map(([name]): [string, typeof integer] => [name, integer]);
  const { values: parsed } = parseArgs({
    args: [...args],
    options: {
      ...Object.fromEntries(counting),
      brokers: integer,
      kills: integer,
      only: integer,
      seed: integer,
      images: integer,
      records: integer,
      moves: integer,
      json: flag,
      keep: flag,
      help: { ...flag, short: 'h' },
    },
  });
  const values = parsed as Record<string, string | undefined> & {
    help: boolean;
    json: boolean;
    keep: boolean;
  };
  if (values.help) return undefined;
  const isProduce = values.only === 'produce';
  const brokers = countOf('brokers', values.brokers, isProduce ? 3 : 1);
  if (brokers < 1) throw new Error('--brokers 0: expected 1 or more');
  const kills = countOf('kills', values.kills, 10);
  const isAlone = values.only !== undefined && !isProduce;
  return {
    seed: countOf('seed', values.seed, 1),
    brokers,
    counts: isAlone ? alone(values.only ?? '', kills) : derived(values, kills, brokers),
    imagesPerFault: countOf('images', values.images, 40),
    produce: isProduce
      ? { records: countOf('records', values.records, 100_000), moves: countOf('moves', values.moves, 12) }
      : undefined,
    json: values.json,
    keep: values.keep,
  };
}

function derived(
  values: Readonly<Record<string, unknown>>,
  kills: number,
  brokers: number,
): Record<FaultKind, number> {
  const counts = Object.entries(countOptions).map(([kind, [name, onOne, onSeveral]]) => {
    const otherwise = Math.ceil(kills / (brokers === 1 ? onOne : onSeveral));
    return [kind, countOf(name, values[name] as string | undefined, otherwise)];
  });
  return { kill: kills, ...Object.fromEntries(counts) };
}

function alone(kind: string, times: number): Record<FaultKind, number> {
  if (!(faultKinds as readonly string[]).includes(kind)) {
    throw new Error(`--only ${kind}: expected one of ${faultKinds.join(', ')}, produce`);
  }
  const entries = faultKinds.map((each): [FaultKind, number] => [each, each === kind ? times : 0]);
  return Object.fromEntries(entries) as Record<FaultKind, number>;
}
