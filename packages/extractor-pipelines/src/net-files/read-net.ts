/** Turns a net file into an engine's input: an ONNX model, or a TensorFlow.js layers model, by the file's name. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { buildLayersNet } from './layers-net.ts';
import { invalid, type UserNet } from './model-checks.ts';
import { readNetFile } from './net-file.ts';
import { buildOnnxNet } from './onnx-net.ts';

/** Reads a net file and its model. Errors: config-invalid, model-invalid. */
export async function readUserNet(path: string): Promise<UserNet> {
  const file = await readNetFile(path);
  const model = resolve(dirname(path), file.model);
  if (model.endsWith('.json')) return await buildLayersNet(file, model);
  const bytes = await readFile(model).catch(() => {
    throw invalid(`model ${model} cannot be read`);
  });
  return await buildOnnxNet(file, bytes);
}
