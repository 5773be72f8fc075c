/** Checks of a net's weights before it runs: they must be inside the file, complete, and finite. */
import { HeadwaterError } from '@headwater/errors';
import type { Model, Named } from './graph.ts';
import { type ElementType, elementTypeOf } from './value-info.ts';
import { contentOf, type Field, integersOf, readFields } from './wire.ts';

const tensorField = { dims: 1, dataType: 2, floats: 4, raw: 9, doubles: 10, location: 14 } as const;

interface WeightTensor {
  readonly name: string;
  readonly elementType: ElementType | undefined;
  readonly dims: readonly number[];
  readonly count: number;
  /** Whether it is stored in a separate file. */
  readonly external: boolean;
  readonly fields: readonly Field[];
}

export function tensorOf(weight: Named): WeightTensor {
  const fields = readFields(contentOf(weight.field));
  const integers = (wanted: number) => integersOf(fields.filter(({ number }) => number === wanted));
  const dims = integers(tensorField.dims);
  return {
    name: weight.name,
    elementType: elementTypeOf(integers(tensorField.dataType)[0]),
    dims,
    count: dims.reduce((product, size) => product * size, 1),
    external: integers(tensorField.location)[0] === 1,
    fields,
  };
}

/** Values of a float32 tensor (raw, or listed); undefined for every other type. */
function floatsOf(tensor: WeightTensor): Float32Array | undefined {
  if (tensor.elementType !== 'float32' || tensor.external) return undefined;
  const field = tensor.fields.find(
    ({ number }) => number === tensorField.raw || number === tensorField.floats,
  );
  if (!field) return new Float32Array();
  // Copied, because views of numbers must be aligned.
  return new Float32Array(Uint8Array.from(contentOf(field)).buffer);
}

const bytesOf: Partial<Record<ElementType, number>> = { float16: 2, bfloat16: 2, float64: 8 };
/** Exponent bits of little-endian halves (in the upper byte, and for bfloat16 the top bit of the lower) and doubles. */
const exponentIsFull: Partial<Record<ElementType, (bytes: DataView, at: number) => boolean>> = {
  float16: (bytes, at) => (bytes.getUint16(at, true) & 0x7c00) === 0x7c00,
  bfloat16: (bytes, at) => (bytes.getUint16(at, true) & 0x7f80) === 0x7f80,
  float64: (bytes, at) => (bytes.getUint16(at + 6, true) & 0x7ff0) === 0x7ff0,
};

function hasFiniteValues(tensor: WeightTensor): boolean {
  const floats = floatsOf(tensor);
  if (floats) return floats.every((value) => Number.isFinite(value));
  const type = tensor.elementType ?? 'int8';
  const [size, full] = [bytesOf[type], exponentIsFull[type]];
  const raw = tensor.fields.find(({ number }) => number === tensorField.raw);
  if (!size || !full || !raw) return true;
  const content = contentOf(raw);
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  for (let at = 0; at + size <= view.byteLength; at += size) if (full(view, at)) return false;
  return true;
}

/** Errors: model-invalid if a weight is NaN or infinite, or stored in another file. */
export function checkWeights(model: Model): void {
  for (const weight of model.graph.initializers) {
    const tensor = tensorOf(weight);
    if (tensor.external) {
      const message = `weight ${weight.name} is stored outside the model file; save the model as one file`;
      throw new HeadwaterError('model-invalid', message);
    }
    if (!hasFiniteValues(tensor)) {
      throw new HeadwaterError('model-invalid', `weight ${weight.name} contains NaN or infinity`);
    }
  }
}
