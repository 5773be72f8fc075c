/** `headwater blobs`: maintenance of the blob store. */
import { HeadwaterError } from '@headwater/errors';
import { commonEnvironment, loadConfig, openBlobs, variables } from '@headwater/service-kit';
import { type Command, InvalidArgumentError } from 'commander';
import type { Console } from '../../terminal/console.ts';

interface SweepOptions {
  /** Milliseconds. */
  readonly olderThan: number;
  readonly dryRun: boolean;
  readonly json: boolean;
}

export function registerBlobs(program: Command, console: Console, finish: (code: number) => void): void {
  program
    .command('blobs')
    .description('Maintain the store of images that are too large for a message.')
    .command('sweep')
    .description(
      'Delete old images; blobs of heads are kept. The records of the images must have left their topic: see RETENTION_IMAGES.',
    )
    .requiredOption('--older-than <time>', 'minimum age, e.g. 30d or 12h', parseAge)
    .option('--dry-run', 'count them only', false)
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nBLOB_STORE names the store, as for the services.')
    .action(async (options: SweepOptions) => finish(await sweep(options, console)));
}

/** Errors: config-invalid, request-invalid, blob-store-unavailable, the signal's reason. */
async function sweep({ olderThan, dryRun, json }: SweepOptions, console: Console): Promise<number> {
  const config = loadConfig(commonEnvironment, console.environment);
  const { RETENTION_IMAGES: retention } = config;
  if (retention < 0 || olderThan < retention) {
    throw new HeadwaterError(
      'request-invalid',
      '--older-than: must be at least RETENTION_IMAGES: unread records refer to younger blobs',
    );
  }
  const report = await openBlobs(config).sweep?.({ olderThan, dryRun, signal: console.signal });
  const { seen = 0, deleted = 0, bytes = 0 } = report ?? {};
  if (json) console.stdout.write(`${JSON.stringify({ seen, deleted, bytes, dryRun })}\n`);
  else {
    const what = dryRun ? 'would be deleted' : 'were deleted';
    console.stderr.write(`${deleted} of ${seen} images ${what}, ${(bytes / 1e6).toFixed(1)} MB\n`);
  }
  return 0;
}

function parseAge(text: string): number {
  const age = variables.duration({ min: 0 }).safeParse(text);
  if (age.success) return age.data;
  throw new InvalidArgumentError('Expected a time such as 12h or 30d.');
}
