/** `headwater topics repartition`: changes the number of partitions of an installation's topics, with their records. */
import { type Command, InvalidArgumentError } from 'commander';
import {
  type RepartitionOptions,
  type RepartitionReport,
  rehearse,
  repartition,
} from '../../repartition/repartition.ts';
import type { Console } from '../../terminal/console.ts';
import { type Cluster, withCluster } from '../cluster-connection.ts';

interface RepartitionCommandOptions {
  readonly partitions: number;
  readonly dryRun: boolean;
  readonly json: boolean;
}

export function registerRepartition(topics: Command, console: Console, finish: (code: number) => void): void {
  topics
    .command('repartition')
    .description('Change the number of partitions of all topics of an installation, with their records.')
    .requiredOption('--partitions <count>', 'new number of partitions of each topic', parsePartitions)
    .option('--dry-run', 'print the plan only', false)
    .option('--json', 'print one JSON object, the last line of standard output', false)
    .addHelpText('after', help)
    .action(async (options: RepartitionCommandOptions) => finish(await run(options, console)));
}

const help = `
Stop ingest, extract, classify and all other producers first: the command refuses to run while a group has members or a topic
grows. It copies each topic to a temporary one (.repartition), creates the topic again with the same settings, and copies the
records back, in order for each key, with the committed offsets of Headwater's groups. Processed records are not processed again,
and pending ones are processed afterwards. After an interruption, run it again: it resumes. Start no service before it has
succeeded.

The cluster, names and EXTRACTORS come from the environment of classify: EXTRACTORS must name every extractor that has vectors.
Set PARTITIONS of the services to the new number. Dead letters are not moved: retry or drop them first. Offsets of your own
groups are lost with the old topics.

Exit codes: 0 done, or nothing to do; 1 a copy or a set digest differs, or a failure; 2 invalid usage, or services run.`;

async function run(options: RepartitionCommandOptions, console: Console): Promise<number> {
  return withCluster(console, async (cluster) => {
    const work = optionsOf(options, cluster, console);
    if (options.dryRun) await print(work, options, console);
    else report(await repartition(work), options, cluster, console);
    return 0;
  });
}

function optionsOf(
  { partitions }: RepartitionCommandOptions,
  { config, clients, progress }: Cluster,
  { signal }: Console,
): RepartitionOptions {
  return {
    clients,
    extractors: config.EXTRACTORS,
    partitions,
    progressTopic: `${config.TOPIC_PREFIX ?? ''}headwater.repartition`,
    folder: config.DATA_DIR,
    signal,
    progress: progress.show,
  };
}

async function print(
  work: RepartitionOptions,
  { json }: RepartitionCommandOptions,
  { stdout }: Console,
): Promise<void> {
  const planned = (await rehearse(work)).map(({ name, found, partitions }) => ({
    name,
    before: found.partitions,
    partitions,
  }));
  if (json)
    stdout.write(`${JSON.stringify({ partitions: work.partitions, dryRun: true, topics: planned })}\n`);
  else if (planned.length === 0) stdout.write('nothing to do\n');
  else
    stdout.write(
      planned.map((one) => `${one.name}: ${one.before} → ${one.partitions} partitions\n`).join(''),
    );
}

function report(
  found: RepartitionReport,
  { json }: RepartitionCommandOptions,
  { progress }: Cluster,
  { stdout }: Console,
): void {
  progress.end();
  stdout.write(`${json ? JSON.stringify(found) : describe(found)}\n`);
}

function describe({ topics, sets, partitions }: RepartitionReport): string {
  if (topics.length === 0) return 'nothing to do';
  return [
    ...topics.map(
      (one) => `${one.name}: ${one.before} → ${one.partitions} partitions, ${one.records} records`,
    ),
    ...sets.map(
      ({ task, extractor, examples, setDigest }) =>
        `${task}, ${extractor}: ${examples} examples, set digest ${setDigest} as before`,
    ),
    `set PARTITIONS to ${partitions}, and start the services`,
  ].join('\n');
}

const mostPartitions = 8_192;

function parsePartitions(text: string): number {
  const count = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= mostPartitions) return count;
  throw new InvalidArgumentError(`Expected a whole number from 1 to ${mostPartitions}.`);
}
