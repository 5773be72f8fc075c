/** The thread of TensorFlow.js: its backends block their thread, so they are called only here. */
import { parentPort, workerData } from 'node:worker_threads';
import { HeadwaterError } from '@headwater/errors';
import type { Provider, RunRequest, WorkerMessage, WorkerStart } from '@headwater/extractors';
import type { InputAdaptation, OutputAdaptation } from '@headwater/extractors/nets';
import { unpackNet } from '../layers/artifacts.ts';
import { cutNetAfter, openLayersModel } from '../layers/layer-editing.ts';
import { type Backend, type BackendName, backendNames, startBackend } from './backend.ts';
import { tf } from './tensorflow.ts';

const start = workerData as WorkerStart;

function answer(message: WorkerMessage, transfer: readonly ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}

const backendsOf: Readonly<Record<Provider, readonly BackendName[]>> = {
  auto: backendNames,
  cpu: ['tensorflow', 'wasm', 'cpu'],
  cuda: ['tensorflow-gpu'],
  tensorrt: [],
};

function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** A named backend takes precedence over a provider. */
function wantedBackends(): readonly BackendName[] {
  if (start.backend === undefined) return backendsOf[start.provider];
  const wanted = backendNames.find((name) => name === start.backend);
  if (wanted === undefined) throw new Error(`unknown backend ${start.backend}`);
  return [wanted];
}

/** Converts float pixels to the input of the net: scaled, centred, in its order and layout. */
function adaptInput(pixels: tf.Tensor4D, adaptation: InputAdaptation): tf.Tensor4D {
  const { scale, mean, std, order, layout } = adaptation;
  let image: tf.Tensor4D = pixels;
  if (scale !== 1) image = tf.mul(image, scale);
  if (mean.some((value) => value !== 0)) image = tf.sub(image, tf.tensor1d([...mean]));
  if (std.some((value) => value !== 1)) image = tf.div(image, tf.tensor1d([...std]));
  if (order === 'bgr') image = tf.reverse(image, 3);
  return layout === 'NCHW' ? tf.transpose(image, [0, 3, 1, 2]) : image;
}

function adaptOutput(output: tf.Tensor, count: number, { normalization }: OutputAdaptation): tf.Tensor2D {
  const vectors = tf.reshape<tf.Rank.R2>(tf.cast(output, 'float32'), [count, start.dimensions]);
  if (normalization === 'none') return vectors;
  const lengths = tf.norm(vectors, 'euclidean', 1, true);
  return tf.divNoNan(vectors, lengths) as tf.Tensor2D;
}

async function openNet(): Promise<(request: RunRequest) => Promise<Float32Array<ArrayBuffer>>> {
  const { model, adaptation } = unpackNet(start.weights);
  const [height = 0, width = 0, channels = 0] = start.inputShape;
  const whole = await openLayersModel(model);
  const net = start.output === '' ? whole : cutNetAfter(whole, start.output);
  return async ({ pixels, count }) => {
    const output = tf.tidy(() => {
      const image = tf.tensor4d(Float32Array.from(pixels), [count, height, width, channels]);
      const answers = net.predictOnBatch(adaptInput(image, adaptation));
      return adaptOutput(answers as tf.Tensor, count, adaptation);
    });
    const values = await output.data<'float32'>();
    output.dispose();
    return Float32Array.from(values);
  };
}

function nameOf({ name, title }: Backend): string {
  const threads =
    name === 'wasm' || name === 'cpu' ? 1 : Number(process.env.TF_NUM_INTRAOP_THREADS ?? start.threads);
  return `${title}, ${threads} thread${threads === 1 ? '' : 's'}`;
}

try {
  const backend = await startBackend(wantedBackends());
  const run = await openNet();
  parentPort?.on('message', (request: RunRequest) => {
    run(request).then(
      (vectors) => answer({ kind: 'done', call: request.call, vectors }, [vectors.buffer]),
      (thrown: unknown) => answer({ kind: 'failed', call: request.call, reason: reasonOf(thrown) }),
    );
  });
  answer({ kind: 'ready', name: nameOf(backend) });
} catch (thrown) {
  const code = thrown instanceof HeadwaterError ? { code: thrown.code } : {};
  answer({ kind: 'refused', reason: reasonOf(thrown), ...code });
}
