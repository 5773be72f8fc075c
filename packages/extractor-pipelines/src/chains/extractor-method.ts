/**
 * Extractors as steps: those of the table, and user-supplied nets. A net takes a record's image, or a picture of an earlier
 * step.
 */
import { HeadwaterError } from '@headwater/errors';
import {
  describeExtractor,
  EngineExtractor,
  type Extractor,
  type ExtractorOptions,
  openBuiltIn,
  readExtractorFile,
  readOptions,
  type Stage,
  type StageMethod,
  type Value,
  type ValueType,
} from '@headwater/extractors';
import { z } from 'zod';
import { openNetFile } from '../net-files/open-net.ts';
import { isChain } from './chain-file.ts';

const noOptions = z.strictObject({});
const takes: readonly ValueType[] = ['record', 'pixels'];

/** A step with an engine description and notices. */
interface EngineStage extends Stage {
  readonly engine: string;
  readonly notes: readonly string[];
}

async function vectorOf(extractor: Extractor, value: Value, signal?: AbortSignal): Promise<Float32Array> {
  if (value.type === 'record') return await extractor.extract(value.record, signal);
  if (value.type === 'pixels' && extractor instanceof EngineExtractor) {
    return await extractor.extractPixels(value, signal);
  }
  throw new HeadwaterError(
    'record-unfit',
    `${extractor.description.id} takes a picture, but was given ${value.type}`,
  );
}

function stageOf(method: string, extractor: Extractor): EngineStage {
  const { contract, digest } = extractor.description;
  return {
    method,
    takes: extractor instanceof EngineExtractor ? takes : ['record'],
    gives: 'vector',
    dimensions: contract.dimensions,
    digest,
    engine: extractor.engine,
    notes: extractor.notes ?? [],
    apply: async (value, signal) => ({ type: 'vector', vector: await vectorOf(extractor, value, signal) }),
    close: () => extractor.close(),
  };
}

/** An extractor of the table by its id. */
export function builtInMethod(id: string): StageMethod {
  return methodFrom(describeExtractor(id).id, (settings) => openBuiltIn(id, settings));
}

/** A user-supplied net by the path of its file. */
export function netFileMethod(path: string): StageMethod {
  return methodFrom(path, async (settings) => {
    if (isChain(await readExtractorFile(path))) {
      const message = `${path} is a chain, but a step must be a method, an id or a net; insert its steps here`;
      throw new HeadwaterError('config-invalid', message);
    }
    return await openNetFile(path, settings);
  });
}

function methodFrom(method: string, open: (settings?: ExtractorOptions) => Promise<Extractor>): StageMethod {
  return {
    method,
    takes,
    gives: 'vector',
    types(options) {
      readOptions(noOptions, options);
      return { takes, gives: 'vector' };
    },
    async open(options, _, settings) {
      readOptions(noOptions, options);
      return stageOf(method, await open(settings));
    },
  };
}
