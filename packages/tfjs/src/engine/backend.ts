/**
 * Selects the backend of TensorFlow.js: its native library on a GPU, else native, else WebAssembly, else plain JavaScript. A
 * package that can be loaded may still not work or not use the GPU: each backend is tried, and the results are reported.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HeadwaterError } from '@headwater/errors';
import { tf } from './tensorflow.ts';
import { registerTrainingKernels } from './training-kernels.ts';

export const backendNames = ['tensorflow-gpu', 'tensorflow', 'wasm', 'cpu'] as const;
export type BackendName = (typeof backendNames)[number];

export interface Backend {
  readonly name: BackendName;
  /** E.g. `tfjs 4.22.0 wasm`, `tfjs 4.22.0 tensorflow gpu`. */
  readonly title: string;
  /** Whether computations actually run on a GPU. */
  readonly gpu: boolean;
  /** Reasons why better backends are not used. */
  readonly passedOver: readonly string[];
}

const require = createRequire(import.meta.url);

/** Folder in which `npm run setup:tensorflow` builds the native binding: outside of node_modules, so that `npm ci` keeps it. */
export function nativeFolder(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const workspace = fileURLToPath(new URL('../../../../', import.meta.url));
  return environment.TENSORFLOW_DIR ?? join(workspace, '.headwater', 'tensorflow');
}

interface NativeBackend {
  isUsingGpuDevice?: boolean;
}

function loadNative(packageName: string): void {
  const folder = join(nativeFolder(), packageName.endsWith('-gpu') ? 'gpu' : 'cpu');
  const installed = existsSync(join(folder, 'node_modules', packageName, 'package.json'));
  const load = installed ? createRequire(join(folder, 'package.json')) : require;
  try {
    load(packageName);
  } catch (cause) {
    const missing = !installed && (cause as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND';
    throw missing ? new Error('not installed') : cause;
  }
}

/**
 * TensorFlow's library logs to standard error. Call this before a thread starts, because a thread cannot set environment
 * variables.
 */
export function silenceNativeLogs(): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
}

/** TensorFlow's library would start a thread for each processor of the machine. To be called like `silenceNativeLogs`. */
export function limitNativeThreads(threads: number): void {
  process.env.TF_NUM_INTRAOP_THREADS ??= String(threads);
  process.env.TF_NUM_INTEROP_THREADS ??= '1';
}

async function startNative(packageName: string): Promise<void> {
  loadNative(packageName);
  if (!(await tf.setBackend('tensorflow'))) throw new Error('its backend did not start');
}

async function startWasm(): Promise<void> {
  const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  const main = require.resolve('@tensorflow/tfjs-backend-wasm');
  setWasmPaths(`${dirname(main)}/`);
  if (!(await tf.setBackend('wasm'))) throw new Error('its backend did not start');
  registerTrainingKernels();
}

async function startCpu(): Promise<void> {
  await import('@tensorflow/tfjs-backend-cpu');
  if (!(await tf.setBackend('cpu'))) throw new Error('its backend did not start');
}

const starts: Readonly<Record<BackendName, () => Promise<void>>> = {
  'tensorflow-gpu': () => startNative('@tensorflow/tfjs-node-gpu'),
  tensorflow: () => startNative('@tensorflow/tfjs-node'),
  wasm: startWasm,
  cpu: startCpu,
};

function reasonOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return text.split('\n')[0] ?? text;
}

function describe(name: BackendName, passedOver: readonly string[]): Backend {
  const gpu = (tf.backend() as NativeBackend).isUsingGpuDevice === true;
  return {
    name,
    gpu,
    passedOver,
    title: `tfjs ${tf.version_core} ${tf.getBackend()}${gpu ? ' gpu' : ''}`,
  };
}

/**
 * Starts the first backend that works, of all or of the requested ones. One per thread: the engine is global there. Errors:
 * prerequisite-missing.
 */
export async function startBackend(wanted?: BackendName | readonly BackendName[]): Promise<Backend> {
  silenceNativeLogs();
  // Otherwise the plain backend recommends the native one on standard error.
  tf.enableProdMode();
  const passedOver: string[] = [];
  const names = typeof wanted === 'string' ? [wanted] : (wanted ?? backendNames);
  for (const name of names) {
    try {
      await starts[name]();
      await tf.ready();
      return describe(name, passedOver);
    } catch (thrown) {
      passedOver.push(`${name}: ${reasonOf(thrown)}`);
    }
  }
  const reasons = names.length === 0 ? 'no backend of this kind' : passedOver.join('; ');
  const message = `no backend of TensorFlow.js starts (${reasons})`;
  throw new HeadwaterError('prerequisite-missing', message);
}

/** To inspect nets, any backend is sufficient: the running one of this thread, or the plain one. */
export async function ensureBackend(): Promise<void> {
  if (tf.engine().backendName === undefined || tf.engine().backendName === null) await startBackend('cpu');
}
