/** A net as a list of layers, from which a user chooses where to cut. */
import type { GraphNode, Model } from './graph.ts';
import { computingNodes } from './graph-editing.ts';
import { type TensorType, typeOf } from './value-info.ts';
import { tensorOf } from './weights.ts';

export interface Layer {
  /** From 1. */
  readonly index: number;
  /** Name of its output tensor, for `cut --after`. */
  readonly name: string;
  readonly operator: string;
  /** Names of its input tensors, without weights. */
  readonly reads: readonly string[];
  /** E.g. `N × 50 × 4 × 4`; undefined if the engine cannot infer it. */
  readonly shape?: readonly (number | string)[];
  readonly elementType?: string;
  /** Number of values in its weights. */
  readonly parameters: number;
}

/** Layers in the graph's order. */
export function layersOf(model: Model, types: ReadonlyMap<string, TensorType> = new Map()): Layer[] {
  const { initializers, valueInfos, outputs, nodes } = model.graph;
  const sizes = new Map(initializers.map((weight) => [weight.name, tensorOf(weight).count]));
  const constants = new Set(
    nodes.filter(({ operator }) => operator === 'Constant').flatMap(({ makes }) => makes),
  );
  const stated = new Map([...valueInfos, ...outputs].map((value) => [value.name, typeOf(value)]));
  const isWeight = (name: string) => sizes.has(name) || constants.has(name);
  const describe = (node: GraphNode, index: number): Layer => {
    const name = node.makes[0] ?? node.name;
    const type = types.get(name) ?? stated.get(name);
    return {
      index: index + 1,
      name,
      operator: node.domain === '' ? node.operator : `${node.domain}.${node.operator}`,
      reads: node.reads.filter((read) => !isWeight(read)),
      ...(type && { elementType: type.elementType }),
      ...(type?.shape && { shape: type.shape }),
      parameters: node.reads.reduce((sum, read) => sum + (sizes.get(read) ?? 0), 0),
    };
  };
  return computingNodes(model).map(describe);
}
