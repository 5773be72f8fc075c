/** `headwater audit`: finds missing outputs of acknowledged records, and writes them with --repair. */
import {
  type AuditReport,
  type AuditVerdict,
  audit,
  type Finding,
  type FindingKind,
  findingKinds,
  verdictOf,
} from '@headwater/classify/audit';
import { extractEnvironment, openReprocessor } from '@headwater/extract';
import { idOfExtractorFile } from '@headwater/extractor-pipelines';
import { type Environment, loadConfig } from '@headwater/service-kit';
import { type Command, InvalidArgumentError } from 'commander';
import type { Console } from '../../terminal/console.ts';
import { type Cluster, withCluster } from '../cluster-connection.ts';

interface AuditCommandOptions {
  readonly repair: boolean;
  readonly list: number;
  readonly json: boolean;
}

export function registerAudit(program: Command, console: Console, finish: (code: number) => void): void {
  program
    .command('audit')
    .description(
      'Find records that were acknowledged and lost: images without a vector, vectors without a prediction, labels without their example.',
    )
    .option('--repair', 'write the missing records; only while extract and classify are stopped', false)
    .option('--list <count>', 'number of findings to list; all are counted', parseCount, 20)
    .option('--json', 'print one JSON object, the last line of standard output', false)
    .addHelpText('after', help)
    .action(async (options: AuditCommandOptions) => finish(await run(options, console)));
}

const help = `
The cluster, names, EXTRACTORS, TASKS and limits come from the environment of classify, and must be those of the services; with --repair
also BLOB_STORE, EXTRACTOR_FILES and the variables of extract. It reads images, labels, vectors, predictions, examples and dead letters
from the first record to the last. DATA_DIR needs room for one copy of the newest vectors, and about 300 bytes for each image, vector,
prediction and example, while the command runs. Only records before the committed offsets of the groups are checked, so that it
can run beside the services. Ctrl-C is safe at any time, also during a repair: run it again.

Exit codes: 0 nothing is missing, or all of it is repaired; 1 records are missing; 2 invalid usage, or --repair while services run.`;

const exitCodes: Readonly<Record<AuditVerdict, number>> = { clean: 0, repaired: 0, incomplete: 1 };

async function run({ repair, list, json }: AuditCommandOptions, console: Console): Promise<number> {
  const report = await withCluster(console, ({ config, clients, progress }) =>
    audit({
      clients,
      config,
      listed: list,
      signal: console.signal,
      progress: progress.show,
      ...(repair ? { repair: extractWith(console.environment, { config, clients }) } : {}),
    }),
  );
  const verdict = verdictOf(report);
  console.stdout.write(`${json ? JSON.stringify({ ...report, verdict }) : describe(report, verdict)}\n`);
  return exitCodes[verdict];
}

function extractWith(environment: Environment, { config, clients }: Pick<Cluster, 'config' | 'clients'>) {
  return {
    async openExtractor(id: string) {
      const files = await Promise.all(
        config.EXTRACTOR_FILES.map(async (path) => [await idOfExtractorFile(path), path] as const),
      );
      const EXTRACTOR = new Map(files).get(id) ?? id;
      return openReprocessor(loadConfig(extractEnvironment, { ...environment, EXTRACTOR }), clients);
    },
  };
}

const meaning: Readonly<Record<FindingKind, string>> = {
  'vector-missing': 'images without a vector or a dead letter',
  'erasure-missing': 'erased images whose vector is still there',
  'prediction-missing': 'vectors without a prediction of a task',
  'example-missing': 'labelled images without an example',
  'example-outdated': 'examples that are not of the newest label or vector',
  'example-unfounded': 'examples of images without a vector',
};

function describe(report: AuditReport, verdict: AuditVerdict): string {
  const { extractors, images, vectors, findings, total, first, undecided, unjudged, repaired, seconds } =
    report;
  return [
    `${extractors.join(', ')}: ${images} records of images and ${vectors} of vectors, ${seconds} s`,
    ...findingKinds.flatMap((kind) => describeCount(meaning[kind], findings[kind], repaired?.[kind])),
    ...first.map(describeFinding),
    ...(first.length < total ? [`  … and ${total - first.length} more (--list)`] : []),
    ...(undecided === 0
      ? []
      : [
          `${undecided} images have neither a vector nor a dead letter, but dead letters of their time were dropped or have expired; --repair extracts them again`,
        ]),
    ...(unjudged.length === 0
      ? []
      : [
          `skipped: the group has no committed offset: ${unjudged.join(', ')} (check that GROUP_PREFIX and EXTRACTORS are those of the services)`,
        ]),
    conclusion[verdict],
  ].join('\n');
}

const conclusion: Readonly<Record<AuditVerdict, string>> = {
  clean: 'nothing is missing',
  repaired: 'all findings are repaired: start the services again',
  incomplete: 'records are missing: see docs/guides/audit.md; stop the services and run with --repair',
};

function describeCount(what: string, found: number, repaired: number | undefined): string[] {
  if (found === 0) return [];
  return [`${found} ${what}${repaired === undefined ? '' : `, ${repaired} repaired`}`];
}

function describeFinding({ kind, extractor, task, imageId, place }: Finding): string {
  const of = task === null ? extractor : `${extractor}, ${task}`;
  return `  ${kind}: ${imageId ?? 'no image id'} (${of})${place === '' ? '' : `, from ${place}`}`;
}

function parseCount(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number from 0 to 999999.');
}
