/** `headwater dead-letters`: lists, retries or drops records that could not be processed. */
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
    .option('--all', 'include retried and dropped ones', false)
    .action(async (options: ListOptions) => finish(await listDeadLetters(options, console)));
  letters
    .command('show')
    .description('Show one dead letter, without its payload.')
    .argument('<place>', 'topic/partition/offset, as listed')
    .option('--payload <file>', 'write the bytes of its value to a file')
    .option('--json', 'print one JSON object', false)
    .action(async (place: string, options: ShowOptions) =>
      finish(await showDeadLetter(place, options, console)),
    );
  withSelection(
    letters
      .command('retry')
      .description(
        'Produce the original records to their source topics again, in order and exactly once; a repeated retry resumes.',
      ),
  )
    .option('--dry-run', 'print the plan only', false)
    .action(async (options: RetryOptions) => finish(await retry(options, console)));
  withSelection(
    letters
      .command('drop')
      .description(
        'Discard dead letters: they can no longer be retried; leading ones are deleted from the topic.',
      ),
  )
    .option('--yes', 'do not ask for confirmation', false)
    .action(async (options: DropOptions) => finish(await drop(options, console)));
}
