/** Options of the command, and their help. */
import { parseArgs } from 'node:util';
import { commonHelp, commonOptions, countOf } from '../trial.ts';

export interface OverloadOptions {
  readonly seconds: number;
  /** Offered load, as a multiple of the extractor's capacity. */
  readonly factor: number;
  /** Duration of the broker's pause during the flood. */
  readonly stall: number;
  readonly extractor: string;
}

export const help = `npm run overload -- [options]

Starts a real Apache Kafka, ingest, extract and classify as processes of their own, measures how many images a second the extractor takes, and
then sends many times as many over HTTP. In the midst the broker stands still for some seconds, so that nobody takes what ingest has taken
in. Meanwhile the resident memory of each process is looked at. Afterwards every accepted image must be in the log, every
image that was committed must have one vector, and the lag must go down.

  --seconds N      how long (default 60)
  --factor N       how many times what the extractor takes (default 10)
  --stall N        seconds for which the broker stands still (default 6; 0: not at all)
  --extractor ID   (default efficientnet-lite0.v1)
${commonHelp('memory flat, nothing lost, nothing twice', 'a finding or a failure')}`;

/** Undefined where help is requested. Throws an Error with a message for the user. */
export function readOptions(args: readonly string[]): OverloadOptions | undefined {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: text,
      factor: text,
      stall: text,
      extractor: text,
      ...commonOptions,
    },
  });
  if (values.help) return undefined;
  return {
    seconds: countOf('seconds', values.seconds, 60),
    factor: countOf('factor', values.factor, 10),
    stall: countOf('stall', values.stall, 6),
    extractor: values.extractor ?? 'efficientnet-lite0.v1',
  };
}
