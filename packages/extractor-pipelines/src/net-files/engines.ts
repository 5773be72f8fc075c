/** The engines that run nets of net files, by name. A new one is a line here. */
import { type ExtractorDefinition, type OpenEngine, openOnnxEngine } from '@headwater/extractors';
import { openTfjsEngine } from '@headwater/tfjs';

export const engines: Readonly<Record<ExtractorDefinition['engine'], OpenEngine>> = {
  onnx: openOnnxEngine,
  tfjs: openTfjsEngine,
};
