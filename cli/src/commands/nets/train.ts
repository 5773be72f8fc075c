/** `headwater net train`: trains a net, with a progress bar. */
import { HeadwaterError } from '@headwater/errors';
import {
  openLayersModel,
  readImageFolder,
  readLayersModel,
  toLayersModel,
  writeLayersModel,
} from '@headwater/tfjs';
import {
  accuracyOf,
  type BackendName,
  continueLeNet,
  createLeNet,
  type LabelledImages,
  lenetLogits,
  readMnist,
  splitImages,
  startBackend,
  trainNet,
  withClasses,
} from '@headwater/tfjs/training';
import type { Console } from '../../terminal/console.ts';
import { ensureWritable } from './output-folder.ts';
import { createTrainingBar } from './training-bar.ts';

export interface TrainOptions {
  readonly out: string;
  readonly data: string;
  readonly classes?: readonly string[];
  readonly from?: string;
  readonly rounds: number;
  readonly batch: number;
  readonly rate: number;
  readonly decay: boolean;
  readonly freeze: readonly string[];
  readonly multiplier: Readonly<Record<string, number>>;
  readonly seed: number;
  readonly backend?: BackendName;
  readonly json: boolean;
}

interface Data {
  readonly train: LabelledImages;
  readonly test: LabelledImages;
}

/** Errors: config-invalid, model-invalid, prerequisite-missing. */
export async function train(options: TrainOptions, console: Console): Promise<number> {
  const say = (line: string) => void console.stderr.write(`${line}\n`);
  await ensureWritable(options.out);
  const backend = await startBackend(options.backend);
  say(`${backend.title}${backend.gpu ? '' : ', no GPU'}`);
  for (const reason of backend.passedOver) say(`  skipped ${reason}`);
  const data = await readData(options, say);
  const net = await openNet(options, data.train);
  const frozen = Object.fromEntries(options.freeze.map((layer) => [layer, 0]));
  const bar = createTrainingBar(console.stderr);
  const result = await trainNet(net, data.train, {
    rounds: options.rounds,
    batchSize: options.batch,
    learningRate: options.rate,
    decay: options.decay,
    multipliers: { ...options.multiplier, ...frozen },
    seed: options.seed,
    logits: lenetLogits,
    signal: console.signal,
    onProgress: bar.update,
  }).finally(bar.stop);
  const accuracy = await accuracyOf(net, data.test);
  const { classes } = data.train;
  await writeLayersModel(options.out, await toLayersModel(net), { classes });
  const summary = {
    model: `${options.out}/model.json`,
    backend: backend.title,
    gpu: backend.gpu,
    classes: usedClasses(data.train),
    trained: result.images,
    seconds: round(result.seconds, 1),
    imagesPerSecond: Math.round(result.images / result.seconds),
    losses: result.losses.map((loss) => round(loss, 5)),
    tested: data.test.count,
    accuracy: round(accuracy, 6),
  };
  say(
    `${summary.model}: ${(100 * accuracy).toFixed(3)} % of ${data.test.count} test images right, ${summary.imagesPerSecond} images/s`,
  );
  if (options.json) console.stdout.write(`${JSON.stringify(summary)}\n`);
  return 0;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function usedClasses({ classes, labels }: LabelledImages): string[] {
  const used = new Set(labels);
  return classes.filter((_, index) => used.has(index));
}

async function readData({ data, classes }: TrainOptions, say: (line: string) => void): Promise<Data> {
  const all =
    data === 'mnist'
      ? { train: await readMnist('train'), test: await readMnist('test') }
      : splitImages(
          await readImageFolder(data, {
            onSkip: (path, { message }) => say(`  skipped ${path}: ${message}`),
          }),
        );
  if (!classes) return all;
  const unknown = classes.filter((name) => !all.train.classes.includes(name));
  if (unknown.length > 0) {
    const message = `unknown classes ${unknown.join(', ')}; expected ${all.train.classes.join(', ')}`;
    throw new HeadwaterError('config-invalid', message);
  }
  const passes = (name: string) => classes.includes(name);
  return { train: withClasses(all.train, passes), test: withClasses(all.test, passes) };
}

async function openNet({ from, seed }: TrainOptions, { classes, side }: LabelledImages) {
  const size = { classes: classes.length, side, seed };
  if (from === undefined) return createLeNet(size);
  return continueLeNet(await openLayersModel(await readLayersModel(from)), size);
}
