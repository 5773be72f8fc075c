/** Options of the command, and its help. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { commonHelp, commonOptions, countOf } from '../trial.ts';

export interface RolloutOptions {
  readonly bursts: number;
  readonly brokers: number;
  readonly seed: number;
  /** The built checkout of another version. */
  readonly from: string | undefined;
  readonly keep: boolean;
}

export const help = `npm run rollout -- [options]

Runs Apache Kafka and replicas of the services as processes of their own (2 of ingest, 3 of extract, 3 of classify) behind a
round-robin proxy. While images and labels are written and all is read, every process is restarted, one after the other, and
extract and classify are scaled from 3 to 1 and back. Then all topics are checked by a client that is not ours (librdkafka), and
the digests against those of a run without restarts.

  --from FOLDER   a built checkout of another version: start with it, roll to this version and back, then to this one again;
                  failed reads are only counted then, since the other version may answer for one process alone
  --bursts N      bursts of 40 images with their labels, one every two seconds (default 60; 180 with --from)
  --brokers N     brokers of the cluster: 1 or 3 (default 1)
  --seed S        a whole number (default 1)
  --keep          keep the folder with all logs
${commonHelp('nothing lost, nothing twice, digests equal, no failed request', 'a finding or a failure')}`;

/** Undefined where help is requested. Errors: invalid usage. */
export function readOptions(args: readonly string[]): RolloutOptions | undefined {
  const text = { type: 'string' } as const;
  const options = { from: text, bursts: text, brokers: text, seed: text, keep: { type: 'boolean' } } as const;
  const { values } = parseArgs({ args: [...args], options: { ...options, ...commonOptions } });
  if (values.help) return undefined;
  const from = values.from === undefined ? undefined : resolve(values.from);
  if (from !== undefined && !existsSync(join(from, 'services/classify/dist/main.js')))
    throw new Error(`--from ${from}: no built checkout; run npm ci and npm run build in it`);
  const brokers = countOf('brokers', values.brokers, 1);
  if (brokers !== 1 && brokers !== 3) throw new Error(`--brokers ${brokers}: expected 1 or 3`);
  return {
    bursts: countOf('bursts', values.bursts, from === undefined ? 60 : 180),
    brokers,
    seed: countOf('seed', values.seed, 1),
    from,
    keep: values.keep === true,
  };
}
