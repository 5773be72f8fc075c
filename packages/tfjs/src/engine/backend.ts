/**
 * Which of TensorFlow.js' backends computes: its native library on a GPU, else natively, else WebAssembly, else plain JavaScript.
 * That a package can be loaded does not mean that it works, nor that a GPU is used: each is tried, and what came of it is told.
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
  /** Whether computations really run on a GPU. */
  readonly gpu: boolean;
  /** Why better ones were passed over. */
  readonly passedOver: readonly string[];
}

const require = createRequire(import.meta.url);

/** Where `npm run setup:tensorflow` builds the native binding: outside of node_modules, so that `npm ci` leaves it alone. */
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

/** TensorFlow's library writes its notes on standard error; a thread must be started after this, because it can't set variables. */
export function silenceNativeLogs(): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
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
 * Starts the first backend that works, of all or of those that are asked for. One a thread: the engine is global there.
 * Errors: prerequisite-missing.
 */
export async function startBackend(wanted?: BackendName | readonly BackendName[]): Promise<Backend> {
  silenceNativeLogs();
  // Without this the plain backend praises the native one on standard error.
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
  const reasons = names.length === 0 ? 'it has none of this kind' : passedOver.join('; ');
  const message = `No backend of TensorFlow.js starts (${reasons}).`;
  throw new HeadwaterError('prerequisite-missing', message);
}

/** For looking at nets, any backend will do: the one that runs in this thread, or the plainest. */
export async function ensureBackend(): Promise<void> {
  if (tf.engine().backendName === undefined || tf.engine().backendName === null) await startBackend('cpu');
}
