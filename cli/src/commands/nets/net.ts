/** `headwater net`: inspects, cuts and trains nets. The commands are in the files beside. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Console } from '../../terminal/console.ts';
import type { LayersOptions, SurgeryOptions } from './graph-editing.ts';
import type { TrainOptions } from './train.ts';

const modelArgument = [
  '<model>',
  'an ONNX model, or the model.json of a TensorFlow.js layers model',
] as const;
const outOption = ['-o, --out <path>', 'output of the net: a file, or a folder for a layers model'] as const;
const countArgument = [
  '<count>',
  'number of layers from the front, or from the end if negative',
  parseCount,
] as const;

/** Adds the command; `finish` takes the exit code. */
export function registerNet(program: Command, console: Console, finish: (code: number) => void): void {
  const net = program.command('net').description('Inspect nets, cut them at any layer, and train them.');
  // TensorFlow.js and ONNX Runtime are loaded when a command needs them, not for --help.
  net
    .command('layers')
    .description('List the layers of a net: names, operators, output shapes, parameters.')
    .argument(...modelArgument)
    .option('--json', 'print one JSON object', false)
    .action(async (model: string, options: LayersOptions) => {
      const { layers } = await import('./graph-editing.ts');
      finish(await layers(model, options, console));
    });
  for (const [name, description] of [
    ['take', 'Keep the first or last layers of a net.'],
    ['drop', 'Remove the first or last layers of a net.'],
  ] as const) {
    net
      .command(name)
      .description(description)
      .argument(...modelArgument)
      .argument(...countArgument)
      .requiredOption(...outOption)
      .addHelpText(
        'after',
        `\nA negative count follows two dashes: headwater net ${name} MODEL --out OUT -- -2`,
      )
      .action(async (model: string, count: number, options: SurgeryOptions) => {
        const { take, drop } = await import('./graph-editing.ts');
        finish(await (name === 'take' ? take : drop)(model, count, options, console));
      });
  }
  net
    .command('cut')
    .description('Make any layer of a net its output, and remove the layers after it.')
    .argument(...modelArgument)
    .requiredOption('--after <layer>', 'name of the layer, as `headwater net layers` shows it')
    .requiredOption(...outOption)
    .action(async (model: string, options: SurgeryOptions & { readonly after: string }) => {
      const { cut } = await import('./graph-editing.ts');
      finish(await cut(model, options.after, options, console));
    });
  addTrain(net, console, finish);
}

function addTrain(net: Command, console: Console, finish: (code: number) => void): void {
  net
    .command('train')
    .description('Train a net, or some of its layers, with TensorFlow.js.')
    .argument('<net>', 'which net: lenet', parseNet)
    .requiredOption('-o, --out <folder>', 'output folder of model.json and weights.bin')
    .option('--data <where>', 'mnist, or a folder whose sub-folders are classes', 'mnist')
    .option('--classes <names>', 'use these classes only, separated by commas', parseNames)
    .option('--from <model>', 'initial weights: a model.json')
    .option('--rounds <count>', 'passes over the images', parsePositive, 3)
    .option('--batch <count>', 'images in a batch', parsePositive, 64)
    .option('--rate <number>', 'learning rate of Adam', parseRate, 0.001)
    .option('--decay', 'decay the learning rate to zero over the training', false)
    .option('--freeze <layers>', 'layers that are not trained, separated by commas', parseNames, [])
    .option(
      '--multiplier <layer=factor...>',
      'multiply the learning rate of a layer; 0 freezes it',
      parseMultiplier,
      {},
    )
    .option('--seed <number>', 'seed of the initial weights and the order of images', parsePositive, 1)
    .addOption(
      new Option('--backend <name>', 'default: the fastest available').choices([
        'tensorflow-gpu',
        'tensorflow',
        'wasm',
        'cpu',
      ]),
    )
    .option('--json', 'print one JSON object as the last line', false)
    .addHelpText('after', trainHelp)
    .action(async (_: string, options: TrainOptions) => {
      const { train } = await import('./train.ts');
      finish(await train(options, console));
    });
}

const trainHelp = `
LeNet's layers: conv1 relu1 pool1 conv2 relu2 pool2 flatten linear1 relu3 linear2 softmax.

  headwater net train lenet --classes 0,1,2,3,4 --out trained
  headwater net train lenet --from trained/model.json --classes 5,6,7,8,9 --rounds 1 --freeze conv1,conv2 --out retrained`;

function parseNet(text: string): string {
  if (text === 'lenet') return text;
  throw new InvalidArgumentError('Expected lenet, the only net that can be trained.');
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count !== 0) return count;
  throw new InvalidArgumentError('Expected a whole number other than 0.');
}

function parsePositive(text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count < 1) throw new InvalidArgumentError('Expected a whole number of at least 1.');
  return count;
}

function parseRate(text: string): number {
  const rate = Number(text);
  if (rate > 0 && Number.isFinite(rate)) return rate;
  throw new InvalidArgumentError('Expected a number above 0.');
}

function parseNames(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function parseMultiplier(text: string, before: Readonly<Record<string, number>>): Record<string, number> {
  const [layer = '', factor = ''] = text.split('=');
  const value = Number(factor);
  if (layer !== '' && factor !== '' && value >= 0) return { ...before, [layer]: value };
  throw new InvalidArgumentError('Expected a layer and a factor of at least 0, like conv1=0.1.');
}
