/** `headwater examples`: exports training sets to files, and imports them. */
import {
  chooseFormat,
  exampleFormats,
  exportExamples,
  type ImportReport,
  type ImportSoFar,
  importExamples,
} from '@headwater/classify/exchange';
import { type Command, Option } from 'commander';
import type { Console } from '../../terminal/console.ts';
import { withCluster, withFileName } from '../cluster-connection.ts';

interface ExportOptions {
  readonly task: string;
  readonly extractor?: string;
  readonly format?: string;
  readonly json: boolean;
}

interface ImportOptions {
  readonly format?: string;
  readonly json: boolean;
}

type Finish = (code: number) => void;

export function registerExamples(program: Command, console: Console, finish: Finish): void {
  const examples = program.command('examples').description('Export and import training sets.');
  examples
    .command('export')
    .description('Write the examples of a task as JSON Lines, Avro or Parquet.')
    .argument(
      '<file>',
      'output file (replaced when complete); its extension selects the format: .jsonl, .avro or .parquet',
    )
    .requiredOption('--task <name>', 'the task')
    .option('--extractor <id>', 'extractor of the vectors (default: that of the serving head)')
    .addOption(formatOption())
    .option('--json', 'print one JSON object, the last line of standard output', false)
    .action(async (file: string, options: ExportOptions) => finish(await exportTo(file, options, console)));
  examples
    .command('import')
    .description(
      'Check a file of examples and send those that the topics lack: vectors to vectors.<extractor>, labels to labels. It can be repeated.',
    )
    .argument('<file>', 'JSON Lines, Avro or Parquet')
    .addOption(formatOption())
    .option('--json', 'print one JSON object, the last line of standard output', false)
    .action(async (file: string, options: ImportOptions) => finish(await importFrom(file, options, console)));
}

function formatOption(): Option {
  return new Option('--format <name>', 'format, where the extension does not select it').choices(
    exampleFormats.map(({ name }) => name),
  );
}

async function exportTo(path: string, options: ExportOptions, console: Console): Promise<number> {
  const format = chooseFormat(path, options.format);
  const header = await withCluster(console, ({ config, clients, progress }) =>
    withFileName(path, () =>
      exportExamples({
        ...options,
        clients,
        config,
        path,
        format,
        signal: console.signal,
        progress: progress.show,
      }),
    ),
  );
  const { examples, task, extractor, setDigest } = header;
  const text = `${examples} examples of ${task}, ${extractor}\nset digest ${setDigest}`;
  console.stdout.write(`${options.json ? JSON.stringify(header) : text}\n`);
  return 0;
}

async function importFrom(path: string, options: ImportOptions, console: Console): Promise<number> {
  const format = chooseFormat(path, options.format);
  const report = await importAll(path, format, console);
  const { examples, task, extractor, setDigest, vectorsSent, labelsSent, unchanged } = report;
  const text = [
    `${examples} examples of ${task}, ${extractor}: ${vectorsSent} vectors and ${labelsSent} labels sent, ${unchanged} unchanged`,
    `set digest of the file ${setDigest}`,
  ].join('\n');
  console.stdout.write(`${options.json ? JSON.stringify(report) : text}\n`);
  return 0;
}

/** After any end, reports the number of records that were sent. */
async function importAll(
  path: string,
  format: ReturnType<typeof chooseFormat>,
  console: Console,
): Promise<ImportReport> {
  const { signal } = console;
  let soFar: ImportSoFar | undefined;
  const stopped = (one: ImportSoFar) => {
    soFar = one;
  };
  try {
    return await withCluster(console, ({ config, clients, progress }) =>
      withFileName(path, () =>
        importExamples({ clients, config, path, format, signal, progress: progress.show, stopped }),
      ),
    );
  } catch (error) {
    if (soFar !== undefined || signal.aborted) console.stderr.write(`${describeStop(soFar)}\n`);
    throw error;
  }
}

function describeStop(soFar: ImportSoFar | undefined): string {
  if (soFar === undefined) return 'stopped before anything was sent';
  const { done, examples, vectorsSent, labelsSent } = soFar;
  return `stopped after ${done} of ${examples} examples: ${vectorsSent} vectors and ${labelsSent} labels were sent; run it again to send the rest`;
}
