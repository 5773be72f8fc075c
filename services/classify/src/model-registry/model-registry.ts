/** The heads of the log in this process: the table, the serving heads, and the follower that updates both. */
import { type Codec, type HeadActivated, type HeadTrained, openCodec } from '@headwater/schemas';
import type { ServiceDependencies } from '@headwater/service-kit';
import { followHeads, type HeadsFollower } from './heads-follower.ts';
import { HeadsTable } from './heads-table.ts';
import { type ServingHead, ServingHeads } from './serving-heads.ts';

export interface ModelRegistry {
  readonly codecs: { readonly heads: Codec<HeadTrained>; readonly serving: Codec<HeadActivated> };
  readonly table: HeadsTable;
  readonly serving: ServingHeads;
  readonly follower: HeadsFollower;
}

export interface ModelRegistryOptions {
  /** Deletes unneeded parameters from the blob store; set for one role of an installation. */
  readonly deletesBlobs: boolean;
  /** Called when a settled head begins to serve. */
  settledServes(head: ServingHead): void;
}

/** Errors: schema-incompatible, log-unavailable. */
export async function openModelRegistry(
  dependencies: ServiceDependencies,
  { deletesBlobs, settledServes }: ModelRegistryOptions,
): Promise<ModelRegistry> {
  const { log, names, schemaIds, blobs, logger, metrics } = dependencies;
  const { heads, serving: servingTopic } = names.topics;
  const topics = { heads, serving: servingTopic };
  const codecs = {
    heads: await openCodec(schemaIds, 'HeadTrained', heads),
    serving: await openCodec(schemaIds, 'HeadActivated', servingTopic),
  };
  const forgotten = (uri: string) => void deleteBlob(uri, dependencies);
  const table = new HeadsTable({ topics, ...codecs, logger, ...(deletesBlobs ? { forgotten } : {}) });
  const swaps = metrics.counter('headwater_head_swaps_total', 'Heads that began to serve in this process', [
    'task',
  ]);
  const serving = new ServingHeads({
    table,
    log,
    headsTopic: heads,
    codec: codecs.heads,
    blobs,
    logger,
    swapped: (head) => {
      swaps.add(1, { task: head.task });
      if (table.head(head, head.version)?.mode === 'settled') settledServes(head);
    },
  });
  return { codecs, table, serving, follower: await followHeads({ log, topics, table, serving }) };
}

/** A failure is only logged: the blob stays. */
async function deleteBlob(uri: string, { blobs, logger }: ServiceDependencies): Promise<void> {
  try {
    await blobs.delete(uri);
  } catch (error) {
    logger.error({ uri, reason: String(error) }, 'cannot delete the parameters of a removed head');
  }
}
