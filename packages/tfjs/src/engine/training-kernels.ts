/**
 * Kernels that training needs on the wasm backend. It lacks the gradient of a convolution's filter, which is composed here of
 * wasm operations: each tap of the filter is a slice of rows, all slices are stacked, and one matrix product sums over images
 * and places. Two existing kernels are slow in training and are replaced by faster operations.
 */
import { tf } from './tensorflow.ts';

type Sides = readonly [before: number, after: number];
const still: Sides = [0, 0];

type Inputs = Parameters<tf.KernelFunc>[0]['inputs'];

/** dW[kh, kw, ci, co] = Σ over n, i, j of x[n, i·s + kh − p, j·s + kw − p, ci] · dy[n, i, j, co]. NHWC. */
function filterGradient(x: tf.Tensor4D, dy: tf.Tensor4D, info: tf.backend_util.Conv2DInfo): tf.Tensor4D {
  const { filterHeight, filterWidth, inChannels, outChannels, outHeight, outWidth } = info;
  const { strideHeight, strideWidth, padInfo, batchSize } = info;
  const everyPlace = strideHeight === 1 && strideWidth === 1;
  const places = batchSize * outHeight * outWidth;
  const pads: Sides[] = [still, [padInfo.top, padInfo.bottom], [padInfo.left, padInfo.right], still];
  const padded = pad(x, pads);
  const [height, width] = [(outHeight - 1) * strideHeight + 1, (outWidth - 1) * strideWidth + 1];
  // Columns and channels as one axis: the backend copies a slice row by row, and this gives few long rows.
  const rows = tf.reshape<tf.Rank.R3>(padded, [batchSize, padded.shape[1], padded.shape[2] * inChannels]);
  const tap = (row: number, column: number) => {
    const window = tf.slice(rows, [0, row, column * inChannels], [batchSize, height, width * inChannels]);
    const taken = everyPlace ? window : thinned(window, info);
    return tf.reshape<tf.Rank.R3>(taken, [1, places, inChannels]);
  };
  const taps: tf.Tensor3D[] = [];
  for (let row = 0; row < filterHeight; row++) {
    for (let column = 0; column < filterWidth; column++) taps.push(tap(row, column));
  }
  const channelsFirst = tf.transpose(tf.concat3d(taps, 0), [0, 2, 1]);
  const patches = tf.reshape<tf.Rank.R2>(channelsFirst, [taps.length * inChannels, places]);
  const product = tf.matMul(patches, tf.reshape<tf.Rank.R2>(dy, [places, outChannels]));
  return tf.reshape<tf.Rank.R4>(product, [filterHeight, filterWidth, inChannels, outChannels]);
}

/** Strided rows and columns of [N, rows, columns · channels]. */
function thinned(window: tf.Tensor3D, info: tf.backend_util.Conv2DInfo): tf.Tensor {
  const [batch, rows, cells] = window.shape;
  const shape: [number, number, number, number] = [batch, rows, cells / info.inChannels, info.inChannels];
  const steps = [1, info.strideHeight, info.strideWidth, 1];
  return tf.stridedSlice(tf.reshape(window, shape), [0, 0, 0, 0], shape, steps);
}

function pad(x: tf.Tensor4D, sides: readonly Sides[]): tf.Tensor4D {
  if (sides.flat().every((side) => side === 0)) return x;
  return tf.pad(
    x,
    sides.map(([before, after]) => [before, after]),
  );
}

const runFilterGradient: tf.KernelFunc = ({ inputs, attrs }) => {
  const { x, dy } = inputs as unknown as { readonly x: tf.Tensor4D; readonly dy: tf.Tensor4D };
  const { strides, pad, dataFormat, dimRoundingMode, filterShape } =
    attrs as unknown as tf.Conv2DBackpropFilterAttrs;
  if (dataFormat !== 'NHWC') throw new Error('wasm trains only NHWC convolutions');
  const info = tf.backend_util.computeConv2DInfo(x.shape, filterShape, strides, 1, pad, dimRoundingMode);
  return tf.tidy(() => filterGradient(x, dy, info));
};

/** dx is itself a convolution: of dy, padded, with the filter rotated by 180° and its channels exchanged. Stride 1. */
function inputGradient(dy: tf.Tensor4D, filter: tf.Tensor4D, info: tf.backend_util.Conv2DInfo): tf.Tensor4D {
  const { padInfo, filterHeight, filterWidth } = info;
  const [rows, columns] = [filterHeight - 1, filterWidth - 1];
  const around: Sides[] = [
    still,
    [rows - padInfo.top, rows - padInfo.bottom],
    [columns - padInfo.left, columns - padInfo.right],
    still,
  ];
  const turned = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]);
  return tf.conv2d(pad(dy, around), turned, 1, 'valid');
}

/** With fewer channels than this a convolution computes mostly padding. */
const leastChannels = 4;

/** The backend's own kernel processes single numbers; a convolution takes a fraction of the time. */
function fasterInputGradient(own: tf.KernelFunc): tf.KernelFunc {
  return (call) => {
    const { dy, filter } = call.inputs as unknown as {
      readonly dy: tf.Tensor4D;
      readonly filter: tf.Tensor4D;
    };
    const { strides, pad, dataFormat, dimRoundingMode, inputShape } =
      call.attrs as unknown as tf.Conv2DBackpropInputAttrs;
    if (dataFormat !== 'NHWC') return own(call);
    const info = tf.backend_util.computeConv2DInfo(
      inputShape,
      filter.shape,
      strides,
      1,
      pad,
      dimRoundingMode,
    );
    const { padInfo, filterHeight, filterWidth, strideHeight, strideWidth } = info;
    const narrow =
      Math.max(padInfo.top, padInfo.bottom) < filterHeight &&
      Math.max(padInfo.left, padInfo.right) < filterWidth;
    const worthwhile = strideHeight === 1 && strideWidth === 1 && info.inChannels >= leastChannels;
    if (!worthwhile || !narrow) return own(call);
    return tf.tidy(() => inputGradient(dy, filter, info));
  };
}

/** The backend multiplies fast only without transposition: so transpose first. */
function fasterProduct(own: tf.KernelFunc): tf.KernelFunc {
  return (call) => {
    const { a, b } = call.inputs as unknown as { readonly a: tf.Tensor3D; readonly b: tf.Tensor3D };
    const { transposeA, transposeB } = call.attrs as unknown as tf.BatchMatMulAttrs;
    if ((!transposeA && !transposeB) || a.rank !== 3 || a.shape[0] !== 1 || b.shape[0] !== 1)
      return own(call);
    return tf.tidy(() => {
      const turned = {
        a: transposeA ? tf.transpose(a, [0, 2, 1]) : a,
        b: transposeB ? tf.transpose(b, [0, 2, 1]) : b,
      };
      const inputs = turned as unknown as Inputs;
      const product = own({ ...call, inputs, attrs: { transposeA: false, transposeB: false } });
      return tf.engine().makeTensorFromTensorInfo(product as tf.TensorInfo);
    });
  };
}

function replace(kernelName: string, replacement: (own: tf.KernelFunc) => tf.KernelFunc): void {
  const backendName = 'wasm';
  const own = tf.getKernel(kernelName, backendName);
  if (!own) return;
  tf.unregisterKernel(kernelName, backendName);
  tf.registerKernel({ ...own, kernelFunc: replacement(own.kernelFunc) });
}

/** Makes convolutions trainable on the wasm backend, and training faster. Idempotent. */
export function registerTrainingKernels(): void {
  const kernelName = tf.Conv2DBackpropFilter;
  if (tf.getKernel(kernelName, 'wasm')) return;
  tf.registerKernel({ kernelName, backendName: 'wasm', kernelFunc: runFilterGradient });
  replace(tf.Conv2DBackpropInput, fasterInputGradient);
  replace(tf.BatchMatMul, fasterProduct);
}
