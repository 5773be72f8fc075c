/** ONNX Runtime as an engine. The thread runs the built file, from tests and from `dist` alike. */
import { createRequire } from 'node:module';
import type { Engine, EngineOptions } from './api.ts';
import { openWorkerEngine } from './worker-engine.ts';

const workerFile = createRequire(import.meta.url).resolve('@headwater/extractors/onnx-worker');

/** Errors: model-invalid. */
export function openOnnxEngine(options: EngineOptions): Promise<Engine> {
  return openWorkerEngine(workerFile, options);
}
