/**
 * Runs a user-supplied module in a thread: loads it, serves one call at a time, and sends errors as text, since anything may be
 * thrown.
 */
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import type { ModuleCall, ModuleMessage, ModuleStart } from './module-protocol.ts';

type Extract = (value: unknown, options: unknown) => unknown;

const { module: path, options } = workerData as ModuleStart;

function send(message: ModuleMessage, transfer: ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}

function reasonOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return text.slice(0, 500);
}

/** The plain content of a value: a picture's pixels, a text, a number. */
function plain(value: ModuleCall['value']): unknown {
  if (value.type === 'record') return value.record;
  if (value.type === 'text') return value.text;
  if (value.type === 'tokens') return value.tokens;
  if (value.type === 'number') return value.number;
  if (value.type === 'category') return value.category;
  if (value.type === 'missing') return null;
  if (value.type === 'vector') return value.vector;
  const { data, height, width, channels } = value;
  return { data, height, width, channels };
}

function vectorFrom(answer: unknown): Float32Array<ArrayBuffer> {
  const isList = Array.isArray(answer) || (ArrayBuffer.isView(answer) && !(answer instanceof DataView));
  if (!isList) throw new Error('it did not return a list of numbers');
  const numbers = Array.from(answer as ArrayLike<unknown>);
  if (numbers.every((number) => typeof number === 'number')) return Float32Array.from(numbers);
  throw new Error('it returned a list with an entry that is not a number');
}

async function load(): Promise<Extract> {
  const loaded = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  if (typeof loaded.extract !== 'function') {
    throw new Error('it does not export a function `extract(value, options)`');
  }
  if (typeof loaded.open === 'function') await loaded.open(options);
  return loaded.extract as Extract;
}

async function answer(extract: Extract, { call, value }: ModuleCall): Promise<void> {
  try {
    const vector = vectorFrom(await extract(plain(value), options));
    send({ kind: 'done', call, vector }, [vector.buffer]);
  } catch (thrown) {
    send({ kind: 'failed', call, reason: reasonOf(thrown) });
  }
}

try {
  const extract = await load();
  parentPort?.on('message', (call: ModuleCall) => void answer(extract, call));
  send({ kind: 'ready' });
} catch (thrown) {
  send({ kind: 'refused', reason: reasonOf(thrown) });
}
