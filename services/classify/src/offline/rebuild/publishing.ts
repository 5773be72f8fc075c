/**
 * Publishes rebuilt heads as the trainer would. A running trainer keeps its newest head in memory and would
 * continue from that one, so none may run.
 */
import { HeadwaterError } from '@headwater/errors';
import type { Head } from '@headwater/heads';
import type { ClassifyConfig } from '../../environment.ts';
import { type ClusterClients, HeadCatalog } from '../../model-registry/head-catalog.ts';
import { chooseServing } from '../../model-registry/serving-choice.ts';
import { servingRecord } from '../../model-registry/serving-record.ts';
import { publishHead } from '../exchange/head-publishing.ts';

export interface PublishRebuiltOptions {
  readonly clients: ClusterClients;
  readonly config: ClassifyConfig;
  readonly task: string;
  readonly extractor: string;
  readonly watermark: bigint;
}

/** Errors: request-invalid while the trainer's group has members. */
export async function requireStoppedTrainer({ log, names }: ClusterClients): Promise<void> {
  const group = names.groups.train;
  const { length: members } = (await log.admin.describeGroup(group)).members;
  if (members === 0) return;
  const message = `a trainer is running (group ${group} has ${members} members); stop it before publishing rebuilt heads`;
  throw new HeadwaterError('request-invalid', message, { context: { group, members } });
}

/**
 * Resolves to the version of each kind. Errors: those of `publishHead`, and request-invalid when a trainer
 * was started meanwhile.
 */
export async function publishRebuilt(
  options: PublishRebuiltOptions,
  heads: readonly Head[],
): Promise<Record<string, number>> {
  const { clients, config, task, extractor, watermark } = options;
  const published: Record<string, number> = {};
  for (const head of heads) {
    await requireStoppedTrainer(clients);
    const context = { extractor, task, watermark, prequential: {} };
    const { kind, version } = await publishHead({
      clients,
      head,
      context,
      inlineBytes: config.HEAD_INLINE_BYTES,
    });
    published[kind] = version;
  }
  if (heads.length > 0) await serveNewest(options, heads);
  return published;
}

/**
 * Keeps a pin and the serving kind, and activates its newest head of the preferred extractor: scores are
 * unknown here.
 */
async function serveNewest(
  { clients, config, task }: PublishRebuiltOptions,
  heads: readonly Head[],
): Promise<void> {
  const catalog = await HeadCatalog.read(clients);
  const current = catalog.activation(task);
  const kind = current?.kind ?? heads[0]?.kind;
  if (kind === undefined) return;
  const newest = config.EXTRACTORS.map((extractor) => catalog.table.newest({ extractor, task, kind }));
  const choice = chooseServing(newest, current, config.EXTRACTORS);
  if (choice === undefined || choice === null) return;
  const producer = await clients.log.openProducer();
  try {
    const { topics } = clients.names;
    await producer.send([servingRecord(task, choice, { topics, serving: catalog.codecs.serving })]);
  } finally {
    await producer.close();
  }
}
