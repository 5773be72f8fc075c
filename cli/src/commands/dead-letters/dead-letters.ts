/** `headwater dead-letters`: look at records that could not be processed, put them back when the cause is mended, or forget them. */
import type { Command } from 'commander';
import type { Console } from '../../terminal/console.ts';
import { type ListOptions, listDeadLetters, type ShowOptions, showDeadLetter } from './inspect.ts';
import { type DropOptions, drop, type RetryOptions, retry } from './retry-and-drop.ts';
import { withSelection } from './selection.ts';

type Finish = (code: number) => void;

export function registerDeadLetters(program: Command, console: Console, finish: Finish): void {
  const letters = program
    .command('dead-letters')
    .description('Records that could not be processed: list, show, retry and drop them.');
  withSelection(
    letters.command('list').description('List dead letters, by topic and partition in their order.'),
  )
    .option('--all', 'also those that were retried or dropped', false)
    .action(async (options: ListOptions) => finish(await listDeadLetters(options, console)));
  letters
    .command('show')
    .description('Show all that is known of one dead letter; never its payload.')
    .argument('<place>', 'topic/partition/offset, as the list has it')
    .option('--payload <file>', 'write the bytes of its value to a file')
    .option('--json', 'print one JSON object', false)
    .action(async (place: string, options: ShowOptions) =>
      finish(await showDeadLetter(place, options, console)),
    );
  withSelection(
    letters
      .command('retry')
      .description(
        'Put the original records back where they came from, in order, each once: a second retry goes on where the first one ended.',
      ),
  )
    .option('--dry-run', 'only say what would be done', false)
    .action(async (options: RetryOptions) => finish(await retry(options, console)));
  withSelection(
    letters
      .command('drop')
      .description(
        'Forget dead letters: they are not retried any more, and deleted as far as none before them is pending.',
      ),
  )
    .option('--yes', 'do not ask', false)
    .action(async (options: DropOptions) => finish(await drop(options, console)));
}
