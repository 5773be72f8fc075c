/** `headwater extractor`: lists, describes, tries and fits extractors. The commands are in the files beside. */
import { type Command, InvalidArgumentError } from 'commander';
import type { Console } from '../../terminal/console.ts';
import type { FitCommandOptions, MergeCommandOptions } from './fit.ts';
import type { ShowOptions, TryOptions } from './show.ts';

const extractorArgument = [
  '<extractor>',
  'an extractor id, or the file (.yaml) of your own net or chain',
] as const;
const chainArgument = ['<file>', 'the file (.yaml) of a chain'] as const;
const jsonOption = ['--json', 'print one JSON object, the last line of standard output', false] as const;

/** Adds the command; `finish` takes the exit code. */
export function registerExtractor(program: Command, console: Console, finish: (code: number) => void): void {
  const extractor = program
    .command('extractor')
    .description(
      'List, describe, try and fit extractors, which turn images and their attributes into vectors.',
    );
  // Engines are loaded when a command needs them, not for --help.
  extractor
    .command('list')
    .description('List the extractors of Headwater, and the methods of chains.')
    .option(...jsonOption)
    .action(async (options: ShowOptions) => {
      const { list } = await import('./show.ts');
      finish(await list(options, console));
    });
  extractor
    .command('describe')
    .description('Open an extractor and print its dimensions, digest and engine.')
    .argument(...extractorArgument)
    .option(...jsonOption)
    .action(async (name: string, options: ShowOptions) => {
      const { describe } = await import('./show.ts');
      finish(await describe(name, options, console));
    });
  extractor
    .command('try')
    .description('Extract the vector of one image; --json prints all of it.')
    .argument(...extractorArgument)
    .argument('<image>', 'an image file')
    .option('--attribute <name=value...>', 'attributes of the image', parseAttribute, {})
    .option(...jsonOption)
    .action(async (name: string, image: string, options: TryOptions) => {
      const { tryOut } = await import('./show.ts');
      finish(await tryOut(name, image, options, console));
    });
  addFit(extractor, console, finish);
}

function addFit(extractor: Command, console: Console, finish: (code: number) => void): void {
  extractor
    .command('fit')
    .description('Fit the links of a chain to a sample; their parameters are stored beside the file.')
    .argument(...chainArgument)
    .requiredOption(
      '--from <sample...>',
      'a folder of images, a .jsonl file, `topic` (the images on Kafka) or topic:<name>',
    )
    .option('--limit <count>', 'maximum records to learn from', parseCount)
    .option('--again', 'fit every link again', false)
    .option('--part <out>', 'make one pass and write a partial sum to this file, to be merged with others')
    .option(...jsonOption)
    .addHelpText('after', fitHelp)
    .action(async (file: string, options: FitCommandOptions) => {
      const { fit } = await import('./fit.ts');
      finish(await fit(file, options, console));
    });
  extractor
    .command('merge')
    .description('Merge partial sums, each of a share of the sample, into the result of a single process.')
    .argument(...chainArgument)
    .argument('<part...>', 'files that `fit --part` wrote')
    .option(...jsonOption)
    .action(async (file: string, parts: string[], options: MergeCommandOptions) => {
      const { merge } = await import('./fit.ts');
      finish(await merge(file, parts, options, console));
    });
}

const fitHelp = `
A line of a .jsonl file is {"image": "path, relative to the file", "attributes": {"name": "text", …}}; an image may also be a data: URL,
or left out where the chain does not look at it.

What is learned goes to <id>.fitted.json beside the chain's file. Ctrl-C loses the pass that is under way, and no more: the same
command goes on where it was. Neither the order of the records nor how they are shared among parts changes a bit of it.

  headwater extractor fit look.yaml --from ./photos
  headwater extractor fit look.yaml --from a.jsonl --part a.json    # on one machine
  headwater extractor fit look.yaml --from b.jsonl --part b.json    # on another
  headwater extractor merge look.yaml a.json b.json`;

function parseCount(text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count < 1) throw new InvalidArgumentError('Expected a whole number of at least 1.');
  return count;
}

function parseAttribute(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const at = text.indexOf('=');
  if (at > 0) return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
  throw new InvalidArgumentError('Expected a name and a value, like price=7.5.');
}
