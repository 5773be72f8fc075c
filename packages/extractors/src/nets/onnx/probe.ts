/**
 * Infers the types and shapes of all tensors of a net with the engine that will run it: it supports every operator, and no
 * second inference has to agree with it.
 */
import { HeadwaterError } from '@headwater/errors';
import { InferenceSession } from '../../engines/onnxruntime.ts';
import type { Model } from './graph.ts';
import { exposeAll } from './graph-editing.ts';
import { writeModel } from './model-bytes.ts';
import type { TensorType } from './value-info.ts';

/** Types by tensor name; the net is not run. Errors: model-invalid (an unknown operator, shapes that do not fit). */
export async function probeTypes(model: Model): Promise<Map<string, TensorType>> {
  const session = await openSession(writeModel(exposeAll(model)));
  const types = new Map<string, TensorType>();
  for (const value of [...session.inputMetadata, ...session.outputMetadata]) {
    if (value.isTensor) types.set(value.name, { elementType: value.type, shape: value.shape });
  }
  await session.release();
  return types;
}

async function openSession(bytes: Uint8Array): Promise<InferenceSession> {
  try {
    const options = { graphOptimizationLevel: 'disabled', logSeverityLevel: 3 } as const;
    return await InferenceSession.create(bytes, options);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HeadwaterError('model-invalid', `ONNX Runtime rejects the net: ${reason}`, { cause });
  }
}
