/** The engines by name. A new one is a file in this folder and a line here. */
import type { ExtractorDefinition } from '../extractors/definition.ts';
import type { OpenEngine } from './api.ts';
import { openOnnxEngine } from './onnx.ts';
import { openTfjsEngine } from './tfjs/engine.ts';

export const engines: Readonly<Record<ExtractorDefinition['engine'], OpenEngine>> = {
  onnx: openOnnxEngine,
  tfjs: openTfjsEngine,
};
