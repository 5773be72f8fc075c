/** Serializes a model to the bytes of an ONNX file; unchanged parts are written as they were read. */
import { type Graph, graphField, type Model } from './graph.ts';
import { type Field, messageField, textField, writeFields } from './wire.ts';

function* fieldsOf(graph: Graph): Iterable<Field> {
  yield* graph.nodes.map(({ field }) => field);
  yield textField(graphField.name, graph.name);
  for (const { field } of graph.initializers) yield field;
  yield* graph.others;
  for (const { field } of graph.inputs) yield field;
  for (const { field } of graph.outputs) yield field;
  for (const { field } of graph.valueInfos) yield field;
  for (const { field } of graph.quantizations) yield field;
  for (const { field } of graph.sparseInitializers) yield field;
}

export function writeModel({ graph, others }: Model): Uint8Array<ArrayBuffer> {
  return writeFields([...others, messageField(7, fieldsOf(graph))]);
}
