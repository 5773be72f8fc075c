/** TensorFlow.js as an engine. The thread runs the built file, from tests and from `dist` alike. */
import { createRequire } from 'node:module';
import { type Engine, type EngineOptions, openWorkerEngine } from '@headwater/extractors';
import { limitNativeThreads, silenceNativeLogs } from './backend.ts';

const workerFile = createRequire(import.meta.url).resolve('@headwater/tfjs/worker');

/**
 * `weights` is a packed net (`layers/artifacts.ts`), `output` a layer, or empty for the net's own output. wasm has one
 * thread, the native library those of the first engine of the process. `backend` is one of `backendNames`. Errors: model-invalid.
 */
export function openTfjsEngine(options: EngineOptions): Promise<Engine> {
  silenceNativeLogs();
  limitNativeThreads(options.threads);
  return openWorkerEngine(workerFile, options);
}
