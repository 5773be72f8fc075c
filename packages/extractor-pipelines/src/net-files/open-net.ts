/**
 * Runs a user-supplied net behind the same stages as the built-in extractors. A trial before the first image finds its faults:
 * the net processes a plain picture, alone and in a batch.
 */
import { HeadwaterError } from '@headwater/errors';
import {
  availableProcessors,
  channelsOf,
  type Engine,
  EngineExtractor,
  type Extractor,
  type ExtractorOptions,
  inputBytes,
} from '@headwater/extractors';
import type { UserNet } from './model-checks.ts';
import { readUserNet } from './read-net.ts';

const defaultTimeoutMs = 30_000;

/** Pixels that exercise a net: every shade, and no constant area. */
function trialPicture(bytes: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: bytes }, (_, index) => (index * 31) % 256);
}

function refuse(message: string): never {
  throw new HeadwaterError('model-invalid', message);
}

async function runTrial(engine: Engine, { definition, single }: UserNet): Promise<void> {
  const { dimensions } = definition.contract;
  const bytes = inputBytes(definition.preprocessing);
  const picture = trialPicture(bytes);
  const alone = await engine.run(picture.slice(), 1);
  if (alone.length !== dimensions) refuse(`the net returns ${alone.length} numbers, not ${dimensions}`);
  if (!alone.every(Number.isFinite)) refuse('the net returns NaN or infinity for a plain picture');
  if (single) return;
  const pair = new Uint8Array(2 * bytes);
  pair.set(picture, 0);
  const first = (await engine.run(pair, 2)).subarray(0, dimensions);
  if (!first.every((value, index) => Object.is(value, alone[index]))) {
    refuse(
      'the net returns different vectors for the same image in a batch; export it with a first dimension of 1',
    );
  }
}

/** Errors: model-invalid. */
async function openEngine(net: UserNet, options: ExtractorOptions): Promise<Engine> {
  const { preprocessing, contract, cut } = net.definition;
  const engine = await net.openEngine({
    weights: net.weights,
    inputShape: [preprocessing.side, preprocessing.side, channelsOf(preprocessing)],
    dimensions: contract.dimensions,
    output: cut,
    threads: options.threads ?? availableProcessors(),
    timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
    ...(options.provider && { provider: options.provider }),
  });
  try {
    await runTrial(engine, net);
    return engine;
  } catch (cause) {
    await engine.close();
    if (cause instanceof HeadwaterError && cause.code === 'model-invalid') throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HeadwaterError('model-invalid', `the net fails on a plain picture: ${reason}`, { cause });
  }
}

/**
 * Opens the extractor that a net file (YAML) describes; it runs like one of the table. Errors: config-invalid (the file),
 * model-invalid (an unknown operator, a wrong input shape, NaN weights, a net that fails the trial).
 */
export async function openNetFile(path: string, options: ExtractorOptions = {}): Promise<Extractor> {
  const net = await readUserNet(path);
  const engine = await openEngine(net, options);
  return new EngineExtractor(net.definition, engine, { ...options, ...(net.single && { batchSize: 1 }) });
}
