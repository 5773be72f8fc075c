/** Loads the binding, lets it compute, and tells what it runs on: node try.cjs PACKAGE. */
const tf = require(process.argv[2]);
const product = tf
  .matMul(tf.ones([64, 64]), tf.ones([64, 64]))
  .sum()
  .dataSync()[0];
if (product !== 64 ** 3) throw new Error('the native library multiplies wrongly');
const gpu = tf.backend().isUsingGpuDevice === true;
process.stdout.write(JSON.stringify({ backend: tf.getBackend(), gpu, tensorflow: tf.version['tfjs-node'] }));
