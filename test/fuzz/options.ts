/** Options of the command, and their help. */
import { parseArgs } from 'node:util';
import { commonHelp, commonOptions, countOf } from '../trial.ts';
import { targets } from './targets/targets.ts';

export interface FuzzOptions {
  /** For each target. */
  readonly cases: number;
  readonly first: number;
  readonly seed: number;
  readonly only: string | undefined;
  readonly replay: string | undefined;
  readonly out: string;
}

const names = targets.map(({ name }) => name).join(', ');

export const help = `npm run fuzz -- [options]

Hands spoiled input to what takes input from outside, in a process of its own: images (headers, and pixels of JPEG, PNG, WebP, GIF, TIFF and
AVIF, and bombs), avro (the wire format, all records and vectors, references to blobs, container files, schemas of a registry), records
(under odd keys, to the topics that a running classify reads), http and classify (raw sockets to ingest and to classify; odd ids of images
among them). Every case must end in a documented way, within its time, and the process must stay alive and
within its memory. What fails is shrunk, and saved.

  --cases N       cases of each target (default 17000: 85,000 in all, in a quarter of an hour on two cores, most of it for records)
  --first N       the number of the first case (default 0): a long run can be cut into pieces
  --seed S        a whole number: the same seed makes the same cases (default 1)
  --only NAME     that target alone: ${names}
  --replay FILE   run the input in this file alone; needs --only
  --out FOLDER    where failing inputs go (default .headwater/fuzz)
${commonHelp('nothing found', 'a finding, or memory that grew past its bound')}`;

/** Undefined where help is requested. Throws an Error with a message for the user. */
export function readOptions(args: readonly string[]): FuzzOptions | undefined {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      cases: text,
      first: text,
      seed: text,
      only: text,
      replay: text,
      out: text,
      ...commonOptions,
    },
  });
  if (values.help) return undefined;
  const { only, replay, out = '.headwater/fuzz' } = values;
  if (only !== undefined && !targets.some(({ name }) => name === only)) {
    throw new Error(`--only ${only}: expected one of ${names}`);
  }
  if (replay !== undefined && only === undefined) throw new Error('--replay needs --only');
  const cases = countOf('cases', values.cases, 17_000);
  return {
    cases,
    first: countOf('first', values.first, 0),
    seed: countOf('seed', values.seed, 1),
    only,
    replay,
    out,
  };
}
