/** The thread of ONNX Runtime: `session.run` blocks its thread for the whole inference, so it is called only here. */
import { parentPort, workerData } from 'node:worker_threads';
import { HeadwaterError } from '@headwater/errors';
import { duringNativeCall } from './native-calls.ts';
import { createSessionOn, type FixedProvider } from './onnx-provider.ts';
import { env, InferenceSession, Tensor } from './onnxruntime.ts';
import type { RunRequest, WorkerMessage, WorkerStart } from './worker-protocol.ts';

const start = workerData as WorkerStart;

function answer(message: WorkerMessage, transfer: readonly ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}

const inNativeCode = <T>(call: () => Promise<T>) =>
  duringNativeCall(start.nativeCalls, call, () => answer({ kind: 'stopped' }));

function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Idle threads sleep instead of spinning: other processes and the decoders need the cores. */
async function openSession(provider: FixedProvider): Promise<InferenceSession> {
  const options: InferenceSession.SessionOptions = {
    executionProviders: [provider],
    intraOpNumThreads: start.threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    // Without VNNI, products of 8-bit integers would saturate and vectors be wrong; with VNNI this changes nothing.
    extra: { session: { intra_op: { allow_spinning: '0' }, x64quantprecision: '1' } },
  };
  return await inNativeCode(() => InferenceSession.create(start.weights, options));
}

async function run(session: InferenceSession, input: string, request: RunRequest): Promise<void> {
  const image = new Tensor('uint8', request.pixels, [request.count, ...start.inputShape]);
  const outputs = await inNativeCode(() => session.run({ [input]: image }, [start.output]));
  const values = outputs[start.output]?.data;
  if (!(values instanceof Float32Array) || values.length !== request.count * start.dimensions) {
    throw new Error(`output ${start.output} is not float32 [${request.count}, ${start.dimensions}]`);
  }
  const vectors = values.slice();
  answer({ kind: 'done', call: request.call, vectors }, [vectors.buffer]);
}

try {
  const { session, provider, notes } = await createSessionOn(start.provider, openSession);
  const input = session.inputNames[0];
  if (session.inputNames.length !== 1 || input === undefined || !session.outputNames.includes(start.output)) {
    throw new Error(`the graph must have one input, and an output named ${start.output}`);
  }
  parentPort?.on('message', (request: RunRequest) => {
    run(session, input, request).catch((thrown: unknown) => {
      answer({ kind: 'failed', call: request.call, reason: reasonOf(thrown) });
    });
  });
  const threads = start.threads === 1 ? '1 thread' : `${start.threads} threads`;
  const name = `onnxruntime ${env.versions.node ?? 'unknown'} ${provider}, ${threads}`;
  answer({ kind: 'ready', name, notes });
} catch (thrown) {
  const code = thrown instanceof HeadwaterError ? { code: thrown.code } : {};
  answer({ kind: 'refused', reason: reasonOf(thrown), ...code });
}
