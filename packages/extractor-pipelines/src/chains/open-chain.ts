/**
 * Opens the extractor of a chain's file: reads and checks it, opens each step with its artefact, and verifies the digest if the
 * file states one.
 */
import { dirname } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import {
  type Extractor,
  type ExtractorDescription,
  type ExtractorOptions,
  readExtractorFile,
  type Stage,
  StageExtractor,
} from '@headwater/extractors';
import { maximumDimensions } from '@headwater/schemas';
import type { ChainContext } from './chain-context.ts';
import { type ChainFile, parseChainFile } from './chain-file.ts';
import { ChainOpening, unknownDimensions } from './chain-opening.ts';
import { checkTypes, checkVector } from './chain-types.ts';
import { fittedPath, readFitted } from './fitted-file.ts';
import { type PlacedStage, sequenceOf } from './sequence.ts';

export interface ReadChain {
  readonly path: string;
  readonly file: ChainFile;
  readonly fittedPath: string;
}

/** Errors: config-invalid. */
export async function readChain(path: string): Promise<ReadChain> {
  const file = parseChainFile(await readExtractorFile(path), path);
  return { path, file, fittedPath: fittedPath(dirname(path), file.id) };
}

/** The context for the steps of a chain, after a check that they fit together. Errors: config-invalid, model-invalid. */
export async function contextOf(
  { path, file, fittedPath: learned }: ReadChain,
  settings: ExtractorOptions,
  learning: boolean,
): Promise<ChainContext> {
  const context: ChainContext = {
    file: path,
    folder: dirname(path),
    artefacts: await readFitted(learned, file.id),
    settings,
    learning,
    howToFit: `run: headwater extractor fit ${path} --from <folder, .jsonl file or topic>`,
  };
  checkVector(context, 'the chain', checkTypes(context, file.links, 'record'));
  return context;
}

function describeChain({ path, file }: ReadChain, stage: Stage): ExtractorDescription {
  const { id, description } = file;
  const { dimensions, digest } = stage;
  if (dimensions === null) throw unknownDimensions(path, 'the chain');
  if (dimensions > maximumDimensions) {
    const message = `${path}: the chain gives ${dimensions} numbers, the maximum is ${maximumDimensions};`;
    throw new HeadwaterError('config-invalid', `${message} dimension-reduced-vector reduces them`);
  }
  if (file.digest !== undefined && file.digest !== digest) {
    const message = `${path}: the chain has digest ${digest}, but its file states ${file.digest};`;
    const advice = 'a step, weights or an artefact has changed: give the chain a new id, or remove the line';
    throw new HeadwaterError('model-invalid', `${message} ${advice}`);
  }
  const dot = id.lastIndexOf('.');
  const normalization = 'none' as const;
  return {
    id,
    name: id.slice(0, dot),
    version: id.slice(dot + 1),
    digest,
    contract: {
      extractor: id,
      dimensions,
      elementType: 'float32',
      byteOrder: 'little-endian',
      normalization,
      description,
    },
  };
}

function ensureLearned(opening: ChainOpening, { file, howToFit }: ChainContext): void {
  if (opening.frontier.length === 0) return;
  const links = opening.frontier.map(({ link }) => `${link.place} (${link.method})`).join(', ');
  throw new HeadwaterError('config-invalid', `${file}: not fitted yet: ${links}; ${howToFit}`);
}

/** Closes the opened steps with the chain. */
function owned(stages: readonly PlacedStage[], opening: ChainOpening): Stage {
  return { ...sequenceOf(stages), close: () => opening.close() };
}

function engineText(opening: ChainOpening, links: number): string {
  const engines = opening.engines();
  const chain = `chain of ${links} ${links === 1 ? 'link' : 'links'}`;
  return `${chain}: ${engines.length > 0 ? engines.join('; ') : 'no engine'}`;
}

/**
 * Opens the chain that a file (YAML) describes; it runs like an extractor of the table. Errors: config-invalid (the file, steps
 * that do not fit together, an unfitted step), model-invalid (weights or artefacts do not match their digests; a user-supplied
 * module fails its trial).
 */
export async function openChain(path: string, options: ExtractorOptions = {}): Promise<Extractor> {
  const chain = await readChain(path);
  const context = await contextOf(chain, options, false);
  const opening = new ChainOpening(context);
  try {
    const stages = await opening.open(chain.file.links);
    ensureLearned(opening, context);
    const stage = owned(stages ?? [], opening);
    const description = describeChain(chain, stage);
    const runner = { engine: engineText(opening, chain.file.links.length), notes: opening.notes() };
    return new StageExtractor(description, stage, runner, options);
  } catch (error) {
    await opening.close();
    throw error;
  }
}
