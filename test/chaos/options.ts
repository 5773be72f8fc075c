/** What the command can be asked for, and the words that say so. */
import { parseArgs } from 'node:util';
import { countOf } from '../trial.ts';

export const faultKinds = ['kill', 'pause', 'broker', 'rebalance', 'blobs', 'state'] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface ChaosOptions {
  readonly seed: number;
  /** How often each kind of fault strikes. */
  readonly counts: Readonly<Record<FaultKind, number>>;
  readonly imagesPerFault: number;
  readonly json: boolean;
  readonly keep: boolean;
}

export const help = `npm run chaos -- [options]

Runs a real Apache Kafka and the services as processes of their own (ingest, two of extract, two of classify), streams images with
labels, corrections and retractions through them, and breaks things meanwhile. Then every record of every output is checked
against what was sent, by a client that is not ours (librdkafka, read_committed), and the head's digest against that of a run
of the same stream without faults.

  --kills N         processes ended by SIGKILL (default 10)
  --pauses N        processes held by SIGSTOP for longer than the session time-out (default: a sixth of the kills)
  --brokers N       restarts of Kafka, every other one by SIGKILL (default: an eighth)
  --rebalances N    a third process joins its group, and leaves it (default: an eighth)
  --blobs N         the blob store is away, full or slow (default: a tenth)
  --state N         a folder of local state is lost, away or full (default: a tenth)
  --only KIND       that kind alone, --kills times: ${faultKinds.join(', ')}
  --seed S          a whole number; the same stream, and the same faults in the same order (default 1)
  --images N        images sent with each fault (default 40)
  --keep            keep the folder with all logs, also where everything went well
  --json            the last line of standard output is a JSON object (the summary is one in any case)
  --help

Needs Java 17, Maven, and Python 3 with venv; some 20 MB of Python packages are fetched once. The first kinds take about five seconds a
fault on two cores: 30 kills with everything that comes with them, less than six minutes.

Exit codes: 0 nothing lost, nothing twice, digests equal; 1 a finding or a failure (the logs are kept, and named); 2 wrong usage;
130 and 143 ended before the run was over.
`;

const integer = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;

/** Undefined where help is asked for. Throws an Error with words for the user. */
export function readOptions(args: readonly string[]): ChaosOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kills: integer,
      pauses: integer,
      brokers: integer,
      rebalances: integer,
      blobs: integer,
      state: integer,
      only: { type: 'string' },
      seed: integer,
      images: integer,
      json: flag,
      keep: flag,
      help: { ...flag, short: 'h' },
    },
  });
  if (values.help) return undefined;
  const kills = countOf('kills', values.kills, 10);
  const counts: Record<FaultKind, number> = {
    kill: kills,
    pause: countOf('pauses', values.pauses, Math.ceil(kills / 6)),
    broker: countOf('brokers', values.brokers, Math.ceil(kills / 8)),
    rebalance: countOf('rebalances', values.rebalances, Math.ceil(kills / 8)),
    blobs: countOf('blobs', values.blobs, Math.ceil(kills / 10)),
    state: countOf('state', values.state, Math.ceil(kills / 10)),
  };
  return {
    seed: countOf('seed', values.seed, 1),
    counts: values.only === undefined ? counts : alone(values.only, kills),
    imagesPerFault: countOf('images', values.images, 40),
    json: values.json,
    keep: values.keep,
  };
}

function alone(kind: string, times: number): Record<FaultKind, number> {
  if (!(faultKinds as readonly string[]).includes(kind)) {
    throw new Error(`--only ${kind}: expected one of ${faultKinds.join(', ')}`);
  }
  const entries = faultKinds.map((each): [FaultKind, number] => [each, each === kind ? times : 0]);
  return Object.fromEntries(entries) as Record<FaultKind, number>;
}
