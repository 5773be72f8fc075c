/** Arrays go to Python and back as .npy files (format 1.0), which NumPy maps into memory without reading a number. */
import { readFile, writeFile } from 'node:fs/promises';

const types = {
  '|u1': Uint8Array,
  '<i2': Int16Array,
  '<i4': Int32Array,
  '<f4': Float32Array,
  '<f8': Float64Array,
};

export async function writeNpy(path, array, shape = [array.length]) {
  const [type] = Object.entries(types).find(([, Type]) => array instanceof Type) ?? [];
  if (type === undefined) throw new TypeError('Only plain numbers go into .npy files');
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const header = Buffer.alloc(10);
  header.write('\x93NUMPY', 'latin1');
  header[6] = 1;
  header.writeUInt16LE(length, 8);
  const body = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  await writeFile(path, Buffer.concat([header, Buffer.from(`${text.padEnd(length - 1)}\n`, 'latin1'), body]));
}

/** A typed array with a `shape`. */
export async function readNpy(path) {
  const bytes = await readFile(path);
  const length = bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', 10, 10 + length);
  const Type = types[/'descr': '([^']+)'/.exec(header)?.[1] ?? ''];
  if (Type === undefined || /'fortran_order': True/.test(header)) throw new TypeError(`${path}: ${header}`);
  const shape = (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? '')
    .split(',')
    .filter((part) => part.trim() !== '');
  const data = new Type(new Uint8Array(bytes.subarray(10 + length)).buffer);
  return Object.assign(data, { shape: shape.map(Number) });
}
