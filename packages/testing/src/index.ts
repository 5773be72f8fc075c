/** Fixtures for tests of all packages; never part of a production build. */
export { codeOf, describeBlobStoreContract } from './blobs/blob-contract.ts';
export { type FakeS3, fail, noFault, startFakeS3 } from './blobs/fake-s3.ts';
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
export {
  copyTo,
  createTopic,
  describeLogContract,
  numbered,
  produce,
  readAll,
  sourceOffsets,
  startPartitionGroup,
  texts,
  uniqueName,
  until,
} from './log-contract.ts';
