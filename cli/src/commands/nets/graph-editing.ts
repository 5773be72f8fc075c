/** Reads a net of either kind, cuts it, writes it, and reports its layers. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import {
  cutAfter,
  dropLayers,
  type Layer,
  layersOf,
  probeTypes,
  readModel,
  takeLayers,
  writeModel,
} from '@headwater/extractors/nets';
import {
  cutNetAfter,
  dropNetLayers,
  ensureBackend,
  layersOfNet,
  openLayersModel,
  readLayersModel,
  takeNetLayers,
  toLayersModel,
  writeLayersModel,
} from '@headwater/tfjs';
import type { Console } from '../../terminal/console.ts';

export interface LayersOptions {
  readonly json: boolean;
}

export interface SurgeryOptions {
  readonly out: string;
}

/** A net of either kind, and its operations. */
interface OpenNet {
  readonly layers: readonly Layer[];
  take(count: number): Promise<OpenNet>;
  drop(count: number): Promise<OpenNet>;
  cut(after: string): Promise<OpenNet>;
  /** Resolves to the path of the output. */
  write(out: string): Promise<string>;
}

type Net = Awaited<ReturnType<typeof openLayersModel>>;
type Model = ReturnType<typeof readModel>;
type Types = Awaited<ReturnType<typeof probeTypes>>;

function onnxNet(model: Model, types: Types): OpenNet {
  return {
    layers: layersOf(model, types),
    take: async (count) => onnxNet(takeLayers(model, count, types), types),
    drop: async (count) => onnxNet(dropLayers(model, count, types), types),
    cut: async (after) => onnxNet(cutAfter(model, after, types), types),
    async write(out) {
      await writeFile(out, writeModel(model));
      return out;
    },
  };
}

function layersNet(net: Net): OpenNet {
  return {
    layers: layersOfNet(net),
    take: async (count) => layersNet(await takeNetLayers(net, count)),
    drop: async (count) => layersNet(await dropNetLayers(net, count)),
    cut: async (after) => layersNet(cutNetAfter(net, after)),
    async write(out) {
      await writeLayersModel(out, await toLayersModel(net));
      return join(out, 'model.json');
    },
  };
}

/** Errors: config-invalid (no such file), model-invalid. */
async function open(path: string, console: Console): Promise<OpenNet> {
  if (path.endsWith('.json')) {
    const model = await readLayersModel(path);
    await ensureBackend();
    return layersNet(await openLayersModel(model));
  }
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new HeadwaterError('config-invalid', `cannot read the model ${path}`, { cause });
  });
  const model = readModel(bytes);
  return onnxNet(model, await typesOf(model, console));
}

/** Operators that the engine lacks are no error: they may be the ones to cut off. */
async function typesOf(model: Model, console: Console): Promise<Types> {
  try {
    return await probeTypes(model);
  } catch (thrown) {
    console.stderr.write(`shapes are unknown: ${asHeadwaterError(thrown).message}\n`);
    return new Map();
  }
}

/** Errors: config-invalid, model-invalid. */
export async function layers(path: string, { json }: LayersOptions, console: Console): Promise<number> {
  const net = await open(path, console);
  if (json) console.stdout.write(`${JSON.stringify({ model: path, layers: net.layers })}\n`);
  else console.stdout.write(tableOf(net.layers));
  return 0;
}

export async function take(
  path: string,
  count: number,
  options: SurgeryOptions,
  console: Console,
): Promise<number> {
  return await finish(await (await open(path, console)).take(count), options, console);
}

export async function drop(
  path: string,
  count: number,
  options: SurgeryOptions,
  console: Console,
): Promise<number> {
  return await finish(await (await open(path, console)).drop(count), options, console);
}

export async function cut(
  path: string,
  after: string,
  options: SurgeryOptions,
  console: Console,
): Promise<number> {
  return await finish(await (await open(path, console)).cut(after), options, console);
}

async function finish(net: OpenNet, { out }: SurgeryOptions, console: Console): Promise<number> {
  const written = await net.write(out);
  const last = net.layers.at(-1);
  const shape = last?.shape ? `, ${shapeOf(last)}` : '';
  console.stderr.write(`${written}: ${net.layers.length} layers, the last is ${last?.name}${shape}\n`);
  return 0;
}

function shapeOf({ shape }: Layer): string {
  return shape ? shape.join(' × ') : '?';
}

function tableOf(rows: readonly Layer[]): string {
  const header = ['', 'layer', 'operator', 'output', 'type', 'parameters'];
  const cells = rows.map((layer) => [
    `${layer.index}`,
    layer.name,
    layer.operator,
    shapeOf(layer),
    layer.elementType ?? '?',
    layer.parameters === 0 ? '' : `${layer.parameters}`,
  ]);
  const table = [header, ...cells];
  const widths = header.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const isNumber = (column: number) => column === 0 || column === header.length - 1;
  const lineOf = (row: readonly string[]) =>
    row
      .map((cell, column) =>
        isNumber(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return `${table.map(lineOf).join('\n')}\n`;
}
