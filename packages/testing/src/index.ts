/** Fixtures for tests of all packages; never part of a production build. */
export { codeOf, describeBlobStoreContract } from './blobs/blob-contract.ts';
export { type FakeS3, fail, noFault, startFakeS3 } from './blobs/fake-s3.ts';
export { eventually } from './eventually.ts';
export {
  cicpChunk,
  gamaChunk,
  grayProfile,
  iccpChunk,
  pngChunk,
  repeated,
  tiffFile,
  withChunks,
} from './images/image-files.ts';
export { bitsOf, noise, openNet, readModelFile } from './images/onnx-models.ts';
export { gradient, grayDigit, pattern, recordOf, smooth } from './images/sample-images.ts';
export { createLatch } from './latch.ts';
export { describeLogContract } from './log-contract/describe-log-contract.ts';
export { copyTo, sourceOffsets, startPartitionGroup } from './log-contract/processors.ts';
export { createTopic, numbered, produce, readAll, texts } from './log-contract/topic-records.ts';
export { createRandom } from './random.ts';
export { uniqueName } from './unique-name.ts';
