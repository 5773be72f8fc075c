/** The type of a tensor, as an ONNX graph states it for its inputs and outputs: element type and shape. */
import { graphField, type Named } from './graph.ts';
import {
  contentOf,
  type Field,
  integerField,
  integersOf,
  messageField,
  readFields,
  textField,
  textOf,
} from './wire.ts';

/** In the order of onnx.proto's TensorProto.DataType, which starts at 1. */
const elementTypes = [
  'float32',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'int64',
  'string',
  'bool',
  'float16',
  'float64',
  'uint32',
  'uint64',
  'complex64',
  'complex128',
  'bfloat16',
  'float8e4m3fn',
  'float8e4m3fnuz',
  'float8e5m2',
  'float8e5m2fnuz',
  'uint4',
  'int4',
] as const;
export type ElementType = (typeof elementTypes)[number];

export interface TensorType {
  readonly elementType: ElementType;
  /** A number, or the name of a size that is known only at run time; undefined if not even the rank is known. */
  readonly shape?: readonly (number | string)[];
}

export function elementTypeOf(number: number | undefined): ElementType | undefined {
  return number === undefined ? undefined : elementTypes[number - 1];
}

export function elementTypeNumber(type: ElementType): number {
  return elementTypes.indexOf(type) + 1;
}

function inner(fields: readonly Field[], number: number): Field[] | undefined {
  const field = fields.findLast((candidate) => candidate.number === number);
  return field && readFields(contentOf(field));
}

function readDimension(field: Field, index: number): number | string {
  const fields = readFields(contentOf(field));
  const [value] = integersOf(fields.filter(({ number }) => number === 1));
  if (value !== undefined) return value;
  return textOf(fields.find(({ number }) => number === 2)) || `?${index}`;
}

/** Undefined if no type is stated, or for a value that is not a tensor. */
export function typeOf(value: Named): TensorType | undefined {
  const type = inner(readFields(contentOf(value.field)), 2);
  const tensor = type && inner(type, 1);
  const elementType = tensor && elementTypeOf(integersOf(tensor.filter(({ number }) => number === 1))[0]);
  if (!tensor || !elementType) return undefined;
  const shape = inner(tensor, 2);
  return shape ? { elementType, shape: shape.map(readDimension) } : { elementType };
}

function dimension(size: number | string): Field {
  return messageField(1, [typeof size === 'number' ? integerField(1, size) : textField(2, size)]);
}

/** A graph's input, output or inner value; without a type the engine infers it. */
export function valueInfo(
  name: string,
  type: TensorType | undefined,
  number: number = graphField.valueInfo,
): Named {
  const fields = [textField(1, name)];
  if (type) {
    const tensor = [integerField(1, elementTypeNumber(type.elementType))];
    if (type.shape) tensor.push(messageField(2, type.shape.map(dimension)));
    fields.push(messageField(2, [messageField(1, tensor)]));
  }
  return { name, field: messageField(number, fields) };
}
