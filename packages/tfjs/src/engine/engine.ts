/** TensorFlow.js as an engine. The thread runs the built file, from tests and from `dist` alike. */
import { createRequire } from 'node:module';
import { type Engine, type EngineOptions, openWorkerEngine } from '@headwater/extractors';
import { silenceNativeLogs } from './backend.ts';

const workerFile = createRequire(import.meta.url).resolve('@headwater/tfjs/worker');

/**
 * `weights` is a packed net (`layers/artifacts.ts`), `output` a layer, or empty for the net's own output. `threads` is ignored:
 * wasm has one, the native library as many as there are processors. `backend` is one of `backendNames`. Errors: model-invalid.
 */
export function openTfjsEngine(options: EngineOptions): Promise<Engine> {
  silenceNativeLogs();
  return openWorkerEngine(workerFile, options);
}
