/** The source of the examples of a training set. */
import { join } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import { openCodec } from '@headwater/schemas';
import type { ClassifyConfig } from '../../environment.ts';
import type { ClusterClients, HeadCatalog } from '../../model-registry/head-catalog.ts';
import type { OnProgress } from '../progress.ts';
import { ExampleTable, type LabelledExample } from './example-table.ts';
import { RebuiltJoin } from './rebuilt-join.ts';
import { compareExamples, type TableComparison } from './table-comparison.ts';

export interface SetOptions {
  readonly clients: ClusterClients;
  readonly config: ClassifyConfig;
  readonly task: string;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: OnProgress | undefined;
}

/**
 * The choice of the trainer: the serving extractor, that of the newest head, or the first of the
 * configuration.
 */
export function chooseExtractor(
  catalog: HeadCatalog,
  { task, config }: Pick<SetOptions, 'task' | 'config'>,
): string {
  const serving = catalog.activation(task)?.extractor ?? catalog.list({ task })[0]?.extractor;
  const extractor = serving ?? config.EXTRACTORS[0];
  if (extractor !== undefined) return extractor;
  throw new HeadwaterError('request-invalid', 'no extractor is given; set EXTRACTORS or name one');
}

/** Maximum number of names in a message. */
const mostNamed = 20;

/** Lists the existing names, since the given one is mostly misspelt. */
export function noExamples(catalog: HeadCatalog, task: string, extractor: string): HeadwaterError {
  const tasks = [...catalog.table.tasks()].sort();
  if (tasks.length > 0 && !tasks.includes(task)) {
    return new HeadwaterError('not-found', `no task ${task}; existing tasks: ${enumerate(tasks)}`);
  }
  const others = [...new Set(catalog.list({ task }).map((head) => head.extractor))].sort();
  const there = others.length === 0 ? 'no head of it is published' : `it has heads of ${enumerate(others)}`;
  return new HeadwaterError(
    'head-not-ready',
    `task ${task} has no labelled example of ${extractor}; ${there}`,
  );
}

function enumerate(names: readonly string[]): string {
  const more = names.length - mostNamed;
  return `${names.slice(0, mostNamed).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

export async function loadTable(options: SetOptions, extractor: string): Promise<ExampleTable> {
  const { clients, config } = options;
  const topic = clients.names.topics.examples;
  return ExampleTable.load({
    ...options,
    log: clients.log,
    topic,
    codec: await openCodec(clients.schemaIds, 'Example', topic),
    extractor,
    folder: join(config.DATA_DIR, 'backfill'),
  });
}

export interface Source {
  /** Null for examples of the topic. */
  readonly comparison: TableComparison | null;
  examples(): AsyncIterable<LabelledExample>;
  close(): Promise<void>;
}

/** The examples of the topic, or those made from vectors and labels. */
export async function openSource(
  options: SetOptions & { readonly from: 'examples' | 'vectors' },
  extractor: string,
  table: ExampleTable,
): Promise<Source> {
  if (options.from === 'examples') {
    return { comparison: null, examples: () => table.examples(), close: async () => undefined };
  }
  const { clients, config, task } = options;
  const rebuilt = await RebuiltJoin.load({
    ...clients,
    ...options,
    extractor,
    others: config.EXTRACTORS,
    folder: join(config.DATA_DIR, 'backfill'),
  });
  try {
    const comparison = await compareExamples(rebuilt.examples(extractor, task), table);
    return { comparison, examples: () => rebuilt.examples(extractor, task), close: () => rebuilt.close() };
  } catch (error) {
    await rebuilt.close();
    throw error;
  }
}
