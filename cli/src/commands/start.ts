/** `headwater start`: the options of the demo run. */
import type { DemoOptions } from '@headwater/demo';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Console } from '../terminal/console.ts';

type StartOptions = Omit<DemoOptions, 'folder'> & {
  /** The former name of `inFlight`. */
  readonly flight?: number;
};

export function registerStart(
  program: Command,
  console: Console,
  finish: (code: number) => void,
  exitCodes: string,
): void {
  program
    .command('start')
    .description(
      'Run Kafka, all services and a stream of images in one process: MNIST digits (the net was trained on 0–4), or your own folder with one sub-folder per label.',
    )
    .argument('[folder]', 'a folder of images (default: the MNIST digits)')
    .option('-n, --images <count>', 'number of images (default: 6000 digits, or all of a folder)', parseCount)
    .option('--exit', 'end after that many images and delete the data', false)
    .option('--json', 'print the summary as one JSON object, the last line of standard output', false)
    .option(
      '--partitions <count>',
      'partitions of topics that are created (default: PARTITIONS, or 6)',
      parseCount,
    )
    .option(
      '--brokers <count>',
      'number of local Kafka brokers: 1, or 3 or more with replication; fixed when the data folder is created (default: 1)',
      parseCount,
    )
    .option('--label-share <share>', 'share of the images that get a label, 0 to 1', parseShare, 0.8)
    .option(
      '--in-flight <count>',
      'maximum images in flight (default: an eighth of them, 16 to 512)',
      parseCount,
    )
    // The former name, for one release.
    .addOption(new Option('--flight <count>').argParser(parseCount).hideHelp())
    .option(
      '--extractor <id>',
      'extractor of the vectors: an id, or the file (.yaml) of your own net or chain (default: lenet-digits.v1 for digits, efficientnet-lite0.v1 for a folder)',
    )
    .option('--task <name>', 'the task that the labels belong to (default: digit, or label for a folder)')
    .option('--data-dir <folder>', 'data folder (default: DATA_DIR, or .headwater)')
    .addOption(
      new Option('--keep', 'with --exit: keep the data folder, and the topics on your cluster').default(
        false,
      ),
    )
    .addHelpText('after', environmentHelp + exitCodes)
    .action(async (folder: string | undefined, { flight, ...options }: StartOptions) => {
      const { startDemo } = await import('@headwater/demo');
      const inFlight = options.inFlight ?? flight;
      finish(await startDemo({ ...options, folder, inFlight }, console));
    });
}

const environmentHelp = `
Environment:
  KAFKA_BROKERS         your cluster; without it a local Apache Kafka is started (needs Java 17)
  INGEST_HTTP_PORT      port for images and labels (default: 8080 if free)
  CLASSIFY_HTTP_PORT    port for heads and predictions (default: 8082 if free)
  ADMIN_PORT            port of metrics and probes (default: a free one)
  AUTH_TOKENS_FILE      file of access tokens for the HTTP interfaces; \`headwater token create\` makes tokens
  LOG_LEVEL             least severe level that is logged (default: error)
  and every variable of the services; node services/<name>/dist/main.js --help lists them.
`;

function parseCount(text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count < 1) throw new InvalidArgumentError('Expected a whole number of at least 1.');
  return count;
}

function parseShare(text: string): number {
  const share = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(share >= 0 && share <= 1)) throw new InvalidArgumentError('Expected a number from 0 to 1.');
  return share;
}
