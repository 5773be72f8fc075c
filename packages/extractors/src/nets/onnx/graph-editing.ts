/**
 * Cuts nets: any inner tensor becomes the output (or the input), and the nodes that it does not need are removed. The remaining
 * nodes are unchanged, so a cut net computes exactly the values of the whole net at that place.
 */
import { HeadwaterError } from '@headwater/errors';
import { type GraphNode, graphField, type Model, type Named } from './graph.ts';
import { type TensorType, typeOf, valueInfo } from './value-info.ts';

interface Section {
  /** Tensors to start from; the graph's own inputs stay if they are still needed. Default: the inputs alone. */
  readonly from?: readonly string[];
  /** Output tensors, in this order. */
  readonly to: readonly string[];
  /** Types of inner tensors, if known: the graph states those of its inputs and outputs. */
  readonly types?: ReadonlyMap<string, TensorType>;
}

/** The nodes that `to` depends on, in the graph's own order, back to `from`. */
function nodesBetween(model: Model, from: ReadonlySet<string>, to: readonly string[]): GraphNode[] {
  const makers = new Map(
    model.graph.nodes.flatMap((node) => node.makes.map((name) => [name, node] as const)),
  );
  const needed = new Set<GraphNode>();
  const open = [...to];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const maker = from.has(name) ? undefined : makers.get(name);
    if (!maker || needed.has(maker)) continue;
    needed.add(maker);
    open.push(...maker.reads);
  }
  return model.graph.nodes.filter((node) => needed.has(node));
}

function inputsOf(model: Model, section: Section, used: (name: string) => boolean): Named[] {
  const kept = model.graph.inputs.filter(({ name }) => used(name));
  const own = new Set(kept.map(({ name }) => name));
  const added = (section.from ?? []).filter((name) => used(name) && !own.has(name));
  return [...kept, ...added.map((name) => typed(model, section, name, graphField.input))];
}

function typed(model: Model, section: Section, name: string, number: number): Named {
  const stated = model.graph.valueInfos.find((value) => value.name === name);
  return valueInfo(name, section.types?.get(name) ?? (stated && typeOf(stated)), number);
}

/** The part of a net between some tensors and others. Errors: config-invalid for an empty result. */
export function takeSection(model: Model, section: Section): Model {
  const { graph } = model;
  const nodes = nodesBetween(model, new Set(section.from), section.to);
  if (nodes.length === 0) throw new HeadwaterError('config-invalid', 'the cut would leave an empty net');
  const read = new Set(nodes.flatMap(({ reads }) => reads));
  const made = new Set(nodes.flatMap(({ makes }) => makes));
  const outputs = section.to.map(
    (name) =>
      graph.outputs.find((output) => output.name === name) ?? typed(model, section, name, graphField.output),
  );
  const isRead = ({ name }: Named) => read.has(name);
  const isInner = ({ name }: Named) => made.has(name) && !section.to.includes(name);
  return {
    ...model,
    graph: {
      ...graph,
      nodes,
      outputs,
      inputs: inputsOf(model, section, (name) => read.has(name)),
      initializers: graph.initializers.filter(isRead),
      sparseInitializers: graph.sparseInitializers.filter(isRead),
      valueInfos: graph.valueInfos.filter(isInner),
      quantizations: graph.quantizations.filter(({ name }) => made.has(name) || read.has(name)),
    },
  };
}

/** The tensor for the name of a tensor or of a node. Errors: config-invalid. */
function tensorNamed(model: Model, name: string): string {
  const { nodes } = model.graph;
  const maker = nodes.find(({ makes }) => makes.includes(name)) ?? nodes.find((node) => node.name === name);
  if (maker) return maker.makes.includes(name) ? name : (maker.makes[0] ?? name);
  const like = nodes.flatMap(({ makes }) => makes).filter((tensor) => tensor.includes(name));
  const hint = like.length > 0 ? `; did you mean ${like.slice(0, 5).join(', ')}?` : '';
  throw new HeadwaterError('config-invalid', `the net has no layer named ${name}${hint}`);
}

/** The net up to and including a layer, whose output becomes the net's. Errors: config-invalid. */
export function cutAfter(model: Model, name: string, types?: ReadonlyMap<string, TensorType>): Model {
  return takeSection(model, { to: [tensorNamed(model, name)], ...(types && { types }) });
}

/** Nodes that compute; a constant is equivalent to a weight. */
export function computingNodes(model: Model): GraphNode[] {
  return model.graph.nodes.filter(({ operator }) => operator !== 'Constant');
}

/**
 * Layers from `first` to before `end` (counted from 0, in the graph's order). The tensors that cross the borders become inputs
 * and outputs. Errors: config-invalid.
 */
function between(model: Model, first: number, end: number, types?: ReadonlyMap<string, TensorType>): Model {
  const nodes = computingNodes(model);
  const inside = nodes.slice(first, end);
  const before = new Set(nodes.slice(0, first).flatMap(({ makes }) => makes));
  const readLater = new Set([
    ...nodes.slice(end).flatMap(({ reads }) => reads),
    ...model.graph.outputs.map(({ name }) => name),
  ]);
  const from = [...new Set(inside.flatMap(({ reads }) => reads))].filter((name) => before.has(name));
  const to = inside.flatMap(({ makes }) => makes).filter((name) => readLater.has(name));
  return takeSection(model, { from, to, ...(types && { types }) });
}

function places(model: Model, count: number): { readonly split: number; readonly size: number } {
  const size = computingNodes(model).length;
  if (!Number.isInteger(count) || count === 0 || Math.abs(count) >= size) {
    const message = `layer count must be between 1 and ${size - 1}, or negative to count from the end`;
    throw new HeadwaterError('config-invalid', message);
  }
  return { split: count > 0 ? count : size + count, size };
}

/** The first `count` layers, or the last −`count`. Errors: config-invalid. */
export function takeLayers(model: Model, count: number, types?: ReadonlyMap<string, TensorType>): Model {
  const { split, size } = places(model, count);
  return count > 0 ? between(model, 0, split, types) : between(model, split, size, types);
}

/** The net without its first `count` layers, or without its last −`count`. Errors: config-invalid. */
export function dropLayers(model: Model, count: number, types?: ReadonlyMap<string, TensorType>): Model {
  const { split, size } = places(model, count);
  return count > 0 ? between(model, split, size, types) : between(model, 0, split, types);
}

/** The same net with some inner tensors as additional outputs. */
export function expose(model: Model, ...names: string[]): Model {
  const stated = new Set(model.graph.outputs.map(({ name }) => name));
  const inner = names
    .filter((name) => !stated.has(name))
    .map((name) => valueInfo(name, undefined, graphField.output));
  return { ...model, graph: { ...model.graph, outputs: [...model.graph.outputs, ...inner] } };
}

/** The same net with every inner tensor as an additional output, to inspect values, or types as inferred by the engine. */
export function exposeAll(model: Model): Model {
  return expose(model, ...computingNodes(model).flatMap(({ makes }) => makes));
}
