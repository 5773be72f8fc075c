/** `headwater heads`: lists heads, and exports and imports them between clusters. */
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import {
  decodeHeadFile,
  encodeHeadFile,
  HeadCatalog,
  type HeadFilter,
  importHead,
} from '@headwater/classify/exchange';
import { HeadwaterError } from '@headwater/errors';
import { type Command, InvalidArgumentError } from 'commander';
import type { Console } from '../../terminal/console.ts';
import { withCluster, withFileName } from '../cluster-connection.ts';

interface OutputOptions {
  readonly json: boolean;
}

/** `--version` is the program's own. */
interface FilterOptions extends Omit<HeadFilter, 'version'> {
  readonly headVersion?: number;
}

type Finish = (code: number) => void;
type KnownHead = ReturnType<HeadCatalog['list']>[number];

/** A larger file is no head. */
const largestFile = 512 * 1024 * 1024;

export function registerHeads(program: Command, console: Console, finish: Finish): void {
  const heads = program.command('heads').description('List, show, export and import heads.');
  withFilter(
    heads.command('list').description('List heads, the newest of each task first; * marks serving heads.'),
  )
    .option('--json', 'print one JSON object', false)
    .action(async (options: FilterOptions & OutputOptions) => finish(await list(options, console)));
  withFilter(
    heads.command('show').description('Show one head: the selected one, the serving one, or the newest.'),
  )
    .option('--json', 'print one JSON object', false)
    .action(async (options: FilterOptions & OutputOptions) => finish(await show(options, console)));
  withFilter(
    heads.command('export').description('Write one head as a JSON file, with digests for verification.'),
  )
    .option('-o, --output <file>', 'output file (replaced when complete; default: standard output)')
    .action(async (options: FilterOptions & { output?: string }) =>
      finish(await exportHead(options, console)),
    );
  heads
    .command('import')
    .description(
      'Check the file of a head and publish it under a new version; it does not serve until it is activated.',
    )
    .argument('<file>', 'a file from `headwater heads export`')
    .option('--json', 'print one JSON object', false)
    .action(async (file: string, options: OutputOptions) => finish(await importFile(file, options, console)));
}

function withFilter(command: Command): Command {
  return command
    .option('--task <name>', 'of this task')
    .option('--extractor <id>', 'of this extractor')
    .option('--kind <kind>', 'of this kind')
    .option('--head-version <number>', 'of this version', parseVersion);
}

async function list(options: FilterOptions & OutputOptions, console: Console): Promise<number> {
  return withCluster(console, async ({ clients }) => {
    const catalog = await HeadCatalog.read(clients);
    const found = catalog.list(filterOf(options));
    if (options.json) {
      const plain = found.map((head) => plainOf(head, catalog));
      console.stdout.write(`${JSON.stringify({ heads: plain })}\n`);
      return 0;
    }
    for (const head of found) console.stdout.write(`${lineOf(head, catalog.isServing(head))}\n`);
    if (found.length === 0) console.stderr.write('no matching head\n');
    return 0;
  });
}

async function show(options: FilterOptions & OutputOptions, console: Console): Promise<number> {
  return withCluster(console, async ({ clients }) => {
    const catalog = await HeadCatalog.read(clients);
    const plain = plainOf(catalog.pick(filterOf(options)), catalog);
    console.stdout.write(`${JSON.stringify(plain, null, options.json ? undefined : 2)}\n`);
    return 0;
  });
}

async function exportHead(options: FilterOptions & { output?: string }, console: Console): Promise<number> {
  return withCluster(console, async ({ clients }) => {
    const catalog = await HeadCatalog.read(clients);
    const head = catalog.pick(filterOf(options));
    const text = encodeHeadFile(await catalog.open(head));
    const { output } = options;
    if (output === undefined) {
      console.stdout.write(text);
      return 0;
    }
    await withFileName(output, async () => {
      await writeFile(`${output}.part`, text);
      await rename(`${output}.part`, output);
    });
    console.stderr.write(`${lineOf(head, catalog.isServing(head))}\nis in ${output}\n`);
    return 0;
  });
}

async function importFile(path: string, { json }: OutputOptions, console: Console): Promise<number> {
  const file = await withFileName(path, async () => {
    if ((await stat(path)).size > largestFile)
      throw new HeadwaterError('head-invalid', 'the file is too large');
    return decodeHeadFile(await readFile(path, 'utf8'));
  });
  return withCluster(console, async ({ clients, config }) => {
    const { head, published } = await withFileName(path, () => importHead(file, clients, config));
    const { extractor, task, kind, version, digest } = head;
    if (json) {
      console.stdout.write(`${JSON.stringify({ extractor, task, kind, version, digest, published })}\n`);
      return 0;
    }
    const what = published ? 'is published as' : 'already exists as';
    console.stdout.write(
      `the head ${what} version ${version} of ${task}, ${extractor}, ${kind}\nto activate it: POST ${activationPath(task, version, { kind, extractor })}\n`,
    );
    return 0;
  });
}

/** With extractor and kind: several may have a head of this version. */
function activationPath(task: string, version: number, line: Readonly<Record<string, string>>): string {
  return `/v1/tasks/${encodeURIComponent(task)}/heads/${version}/activate?${new URLSearchParams(line)}`;
}

function filterOf({ task, extractor, kind, headVersion }: FilterOptions): HeadFilter {
  return { task, extractor, kind, version: headVersion };
}

function plainOf({ partition, offset, ...head }: KnownHead, catalog: HeadCatalog) {
  const { task } = head;
  const isServing = catalog.isServing({ ...head, partition, offset });
  const reason = isServing ? (catalog.activation(task)?.reason ?? null) : null;
  return { ...head, serving: reason };
}

function lineOf(head: KnownHead, isServing: boolean): string {
  const { task, extractor, kind, version, mode, examples, classes, digest, trainedAt } = head;
  const parts = [isServing ? '*' : ' ', task, extractor, kind, `v${version}`, mode, `${examples} examples`];
  parts.push(`${classes.length} classes`, digest.slice(0, 12), new Date(trainedAt).toISOString());
  return parts.join('  ');
}

function parseVersion(text: string): number {
  const version = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (version < 1) throw new InvalidArgumentError('Expected a whole number of at least 1.');
  return version;
}
