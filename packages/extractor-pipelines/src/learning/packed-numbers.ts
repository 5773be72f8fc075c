/** Arrays of numbers in JSON: base64 of their little-endian bytes, exact and a third as long as decimals. */
import { z } from 'zod';

/** All platforms of Node.js that Headwater supports are little-endian. */
export function packNumbers(values: Float32Array | Float64Array | Uint32Array): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');
}

/** Finite float32. */
export const packedFloat32 = packed(4, (bytes) => new Float32Array(bytes));
export const packedUint32 = packed(4, (bytes) => new Uint32Array(bytes));
/** Finite float64. */
export const packedFloat64 = packed(8, (bytes) => new Float64Array(bytes));

function packed<T extends Float32Array | Float64Array | Uint32Array>(
  size: number,
  read: (bytes: ArrayBuffer) => T,
) {
  return z.base64().transform((text, context) => {
    const bytes = Uint8Array.from(Buffer.from(text, 'base64'));
    if (bytes.length % size === 0) {
      const values = read(bytes.buffer);
      if (values.every(Number.isFinite)) return values;
    }
    context.addIssue({ code: 'custom', message: `must be finite numbers of ${size} bytes` });
    return z.NEVER;
  });
}
