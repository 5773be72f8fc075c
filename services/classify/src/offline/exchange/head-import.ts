/** Imports a head from a file into the topic `heads`, where it can be activated like any other. */
import { HeadwaterError } from '@headwater/errors';
import { describeExtractor, extractorIds } from '@headwater/extractors';
import type { HeadTrained } from '@headwater/schemas';
import type { ClassifyConfig } from '../../environment.ts';
import { type ClusterClients, HeadCatalog } from '../../model-registry/head-catalog.ts';
import { type HeadFile, headOf } from './head-file.ts';
import { publishHead } from './head-publishing.ts';

export interface ImportedHead {
  readonly head: Pick<HeadTrained, 'extractor' | 'task' | 'kind' | 'version' | 'digest'>;
  /** False: an equal head of an equal set is there already. */
  readonly published: boolean;
}

/**
 * The head gets the next version of its series, and does not serve until it is activated. Its watermark is 0,
 * since it has learned no example of this cluster; the measurements `imported.version` and
 * `imported.watermark` state its origin. Errors: head-invalid where the extractor has other dimensions in
 * this cluster, overloaded, and those of the log and the blob store.
 */
export async function importHead(
  file: HeadFile,
  clients: ClusterClients,
  config: Pick<ClassifyConfig, 'HEAD_INLINE_BYTES'>,
): Promise<ImportedHead> {
  checkContract(file);
  const { extractor, task, kind, digest, setDigest } = file;
  const catalog = await HeadCatalog.read(clients);
  const known = catalog
    .list({ extractor, task, kind })
    .find((head) => head.digest === digest && head.setDigest === setDigest);
  if (known !== undefined) return { head: known, published: false };
  const provenance = { 'imported.version': file.version, 'imported.watermark': file.watermark };
  const head = await publishHead({
    clients,
    head: headOf(file),
    context: { extractor, task, watermark: 0n, prequential: provenance },
    trainedAt: file.trainedAt,
    inlineBytes: config.HEAD_INLINE_BYTES,
  });
  return { head, published: true };
}

function checkContract({ extractor, dimensions }: HeadFile): void {
  if (!extractorIds().includes(extractor)) return;
  const expected = describeExtractor(extractor).contract.dimensions;
  if (expected === dimensions) return;
  throw new HeadwaterError(
    'head-invalid',
    `the head reads vectors of ${dimensions} dimensions; those of ${extractor} have ${expected}`,
  );
}
