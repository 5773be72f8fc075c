/** `headwater backfill`: rebuilds a task's heads from the topics, and compares them with the published ones. */
import { type BackfillReport, type BackfillVerdict, backfill, verdictOf } from '@headwater/classify/rebuild';
import { availableProcessors } from '@headwater/extractors';
import type { HeadKind } from '@headwater/schemas';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Console } from '../../terminal/console.ts';
import { withCluster } from '../cluster-connection.ts';

interface BackfillCommandOptions {
  readonly task: string;
  readonly extractor?: string;
  readonly from: 'examples' | 'vectors';
  readonly kind?: readonly HeadKind[];
  readonly workers: number;
  readonly taskSettings?: string;
  readonly publish: boolean;
  readonly json: boolean;
}

const mostWorkers = 64;

export function registerBackfill(program: Command, console: Console, finish: (code: number) => void): void {
  program
    .command('backfill')
    .description(
      'Rebuild a task’s heads from its examples with several threads, and compare them, to the last bit, with the settled heads that were published.',
    )
    .requiredOption('--task <name>', 'the task')
    .option('--extractor <id>', 'extractor of the vectors (default: that of the serving head)')
    .addOption(
      new Option('--from <source>', 'read the examples from their topic, or join vectors and labels again')
        .choices(['examples', 'vectors'])
        .default('examples'),
    )
    .addOption(
      new Option('--kind <kind...>', 'kinds of heads (default: those with a settled head)').choices([
        'lda',
        'ridge',
        'ncm',
        'softmax',
        'mlp',
        'knn',
      ]),
    )
    .option('--workers <count>', 'threads that sum', parseWorkers, availableProcessors())
    .option(
      '--task-settings <path>',
      'YAML file of the settings of single tasks, as for the trainer (default: TASK_SETTINGS)',
    )
    .option('--publish', 'publish missing heads; only while no trainer runs', false)
    .option('--json', 'print one JSON object, the last line of standard output', false)
    .addHelpText('after', help)
    .action(async (options: BackfillCommandOptions) => finish(await run(options, console)));
}

const help = `
The cluster, names, EXTRACTORS, HEADS, PRIOR, WINDOW, LIFT and TASK_SETTINGS come from the environment of classify. DATA_DIR needs
room for one copy of the newest examples (with --from vectors: of the vectors too) while the command runs.

Without --from vectors, heads are compared with the examples that are in their topic: an example that was lost before it got there is
not seen. --from vectors finds it; \`headwater audit\` also finds missing vectors and predictions, and repairs them.

Exit codes: 0 all heads (and with --from vectors all examples) are equal, or are published now; 1 something differs, or the
trainer has not learned all examples yet; 2 wrong usage; 3 nothing differs, but a head was solved by another arithmetic, as before an
upgrade, so that only its set could be compared, or the kind that serves was left out by --kind, or is mlp.`;

const exitCodes: Readonly<Record<BackfillVerdict, number>> = { sound: 0, unsound: 1, incomparable: 3 };

async function run(options: BackfillCommandOptions, console: Console): Promise<number> {
  const report = await withCluster(console, ({ config, clients, progress }) =>
    backfill({
      ...options,
      kinds: options.kind,
      clients,
      config: { ...config, TASK_SETTINGS: options.taskSettings ?? config.TASK_SETTINGS },
      signal: console.signal,
      progress: progress.show,
    }),
  );
  const verdict = verdictOf(report);
  const sound = verdict === 'sound';
  console.stdout.write(
    `${options.json ? JSON.stringify({ ...report, sound, verdict }) : describe(report)}\n`,
  );
  return exitCodes[verdict];
}

const meaning = {
  equal: 'equal to the last bit',
  different: 'DIFFERENT from the published head',
  behind:
    'not comparable: the trainer has not learned all examples yet (run it again when labels pause; a kind that is no longer in HEADS never will: --kind chooses)',
  none: 'not comparable: no settled head of this kind is published',
  'other-arithmetic': 'of the same set, but not comparable',
};

function describe(report: BackfillReport): string {
  const { task, extractor, examples, classes, workers, seconds, setDigest, table, unreadable } = report;
  return [
    `${task}, ${extractor}: ${examples} examples of ${classes} classes, summed by ${workers} threads, ${seconds} s in all`,
    `set digest ${setDigest}`,
    ...(unreadable === 0 ? [] : [`${unreadable} records of the set cannot be read, and are ignored`]),
    ...(table === null
      ? []
      : [
          `examples made of vectors and labels, against their topic: ${table.equal} equal, ${table.missing} missing, ${table.extra} extra, ${table.different} different`,
        ]),
    ...report.heads.flatMap((head) => describeHead(head, report)),
    ...(report.passedOver.length === 0
      ? []
      : [
          `not compared: ${report.passedOver.join(', ')} (mlp, and kinds that HEADS and TASK_SETTINGS do not name; use --kind)`,
        ]),
    ...(report.serving === null || report.heads.some(({ kind }) => kind === report.serving)
      ? []
      : [`the serving kind, ${report.serving}, was not compared: use --kind ${report.serving}`]),
    ...(report.from === 'vectors' ? [] : [unseen]),
  ].join('\n');
}

const unseen =
  'compared with the examples in their topic alone; --from vectors also finds examples that are missing there, and headwater audit missing vectors and predictions';

function describeHead(
  { kind, outcome, rebuilt, published }: BackfillReport['heads'][number],
  report: BackfillReport,
): string[] {
  const version = published === null ? '' : ` (version ${published.version})`;
  const now = report.published[kind];
  return [
    `${kind}${version}: ${meaning[outcome]}`,
    `  rebuilt    ${rebuilt.digest}`,
    ...(published === null ? [] : [`  published  ${published.digest}`]),
    ...(published === null || published.setDigest === rebuilt.setDigest
      ? []
      : [`  its set    ${published.setDigest}`]),
    ...(outcome === 'other-arithmetic' && published !== null
      ? [
          `  solved by arithmetic ${published.arithmetic}, this version has ${rebuilt.arithmetic}: ${whatToDo(now)}`,
        ]
      : []),
    ...(outcome === 'different'
      ? [`  ${whyDifferent(kind, published?.setDigest === rebuilt.setDigest)}`]
      : []),
    ...(now === undefined ? [] : [`  published now as version ${now}`]),
  ];
}

function whatToDo(publishedNow: number | undefined): string {
  if (publishedNow !== undefined) return 'a new one is published';
  return 'a trainer of this version publishes a new one when it starts; without one, so does --publish';
}

/** The most frequent cause of a difference. */
function whyDifferent(kind: string, isSameSet: boolean): string {
  if (!isSameSet)
    return 'of another set: was it trained with this WINDOW (or that of its task in TASK_SETTINGS), and are labels at rest?';
  const machine = kind === 'mlp' ? ', on this machine' : '';
  return `of the same set: was it trained with this PRIOR, LIFT and MLP_UNITS${machine}?`;
}

function parseWorkers(text: string): number {
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= mostWorkers) return count;
  throw new InvalidArgumentError(`Expected a whole number from 1 to ${mostWorkers}.`);
}
