/** Shared by benches that measure this checkout and another one, in turns and in the same run. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const common = {
  peer: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
};

/** `own` are options of the bench itself, as parseArgs takes them; `--help` prints the usage and ends the process. */
export function readOptions(usage, own) {
  const { values } = parseArgs({ options: { ...own, ...common } });
  if (!values.help) return values;
  process.stdout.write(usage);
  process.exit(0);
}

/** Folders by name: `ours`, and `peer` where there is one. */
export function checkoutsOf(peer) {
  const ours = fileURLToPath(new URL('..', import.meta.url));
  return { ours, ...(peer === undefined ? {} : { peer: resolve(peer) }) };
}

export const say = (line) => process.stderr.write(`${line}\n`);

export const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** Median of the ratios of each round, since other load affects both sides of a round. */
export const medianRatio = (ours, peer) => median(ours.map((figure, round) => figure / peer[round]));
