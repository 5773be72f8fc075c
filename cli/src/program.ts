/** The command line: commands, options and exit codes. */
import { readFileSync } from 'node:fs';
import { asHeadwaterError } from '@headwater/errors';
import { Command, CommanderError } from 'commander';

import { registerAudit } from './commands/cluster/audit.ts';
import { registerBlobs } from './commands/cluster/blobs.ts';
import { registerRepartition } from './commands/cluster/repartition.ts';
import { registerToken } from './commands/cluster/token.ts';
import { type TopicsOptions, topics } from './commands/cluster/topics.ts';
import { registerDeadLetters } from './commands/dead-letters/dead-letters.ts';
import { registerExamples } from './commands/examples/examples.ts';
import { registerExtractor } from './commands/extractors/extractor.ts';
import { registerBackfill } from './commands/heads/backfill.ts';
import { registerHeads } from './commands/heads/heads.ts';
import { type IngestOptions, ingest } from './commands/ingest.ts';
import { registerNet } from './commands/nets/net.ts';
import { registerStart } from './commands/start.ts';
import { type Console, Interruption } from './terminal/console.ts';

const exitCodes = `
Exit codes: 0 success; 1 a failure, or the audit found lost or duplicate records; 2 invalid usage or
configuration; 130 and 143 interrupted by Ctrl-C or SIGTERM.`;

/** Resolves to the exit code; prints errors to standard error. */
export async function runProgram(argv: readonly string[], console: Console): Promise<number> {
  let code = 0;
  const program = createProgram(console, (result) => {
    code = result;
  });
  try {
    await program.parseAsync([...argv]);
    return code;
  } catch (thrown) {
    return reportFailure(thrown, console);
  }
}

function reportFailure(thrown: unknown, console: Console): number {
  // commander has printed the error, or the help.
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
  if (thrown instanceof Interruption) return thrown.exitCode;
  if (console.signal.reason instanceof Interruption) return console.signal.reason.exitCode;
  const error = asHeadwaterError(thrown);
  console.stderr.write(`headwater: ${error.message} (${error.code})\n`);
  if (error.code === 'unexpected' && error.cause instanceof Error) {
    console.stderr.write(`${error.cause.stack ?? ''}\n`);
  }
  return error.code === 'config-invalid' || error.code === 'request-invalid' ? 2 : 1;
}

function createProgram(console: Console, finish: (code: number) => void): Command {
  const program = new Command('headwater')
    .description('Images on Kafka to vectors, labels to exact incremental heads, and predictions back.')
    .version(readVersion(), '-V, --version')
    .configureOutput({
      writeOut: (text) => void console.stdout.write(text),
      writeErr: (text) => void console.stderr.write(text),
    })
    .exitOverride()
    .showHelpAfterError('(see --help)')
    .addHelpText('after', exitCodes);
  registerStart(program, console, finish, exitCodes);
  addTopics(program, console, finish);
  registerNet(program, console, finish);
  registerExtractor(program, console, finish);
  addIngest(program, console, finish);
  for (const register of [
    registerBackfill,
    registerAudit,
    registerHeads,
    registerExamples,
    registerDeadLetters,
    registerToken,
    registerBlobs,
  ]) {
    register(program, console, finish);
  }
  return program;
}

function addTopics(program: Command, console: Console, finish: (code: number) => void): void {
  const command = program
    .command('topics')
    .enablePositionalOptions()
    .description(
      'Create the topics that the services need, or with --dry-run print them, their settings and the ACLs.',
    )
    .option('--dry-run', 'print only; do not connect to a cluster', false)
    .option('--json', 'print one JSON object', false)
    .option(
      '--extractor <id...>',
      'extractors whose vectors need a topic (default: EXTRACTORS, EXTRACTOR, or all)',
    )
    .addHelpText(
      'after',
      '\nNames, partitions and retention come from the same environment variables as for the services.',
    )
    .action(async (options: TopicsOptions) => finish(await topics(options, console)));
  registerRepartition(command, console, finish);
}

function addIngest(program: Command, console: Console, finish: (code: number) => void): void {
  program
    .command('ingest')
    .description('Send every image below a folder to a running ingest service; prints the id of each.')
    .argument('<folder>', 'a folder of images')
    .option('--url <url>', 'URL of ingest', 'http://127.0.0.1:8080')
    .option('--task <name>', 'the task of the labels that the sub-folders name (default: no labels)')
    .option('--json', 'print one JSON object with the counts instead of ids', false)
    .addHelpText(
      'after',
      '\nHEADWATER_TOKEN (or HEADWATER_TOKEN_FILE): a token of the role write, where ingest requires one.',
    )
    .action(async (folder: string, options: Omit<IngestOptions, 'folder'>) => {
      finish(await ingest({ ...options, folder } as IngestOptions, console));
    });
}

function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
