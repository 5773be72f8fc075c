/** Tests that CI may skip, each with the reason. Every other skipped test fails a run in CI. */
export interface AllowedSkip {
  /** Path of the test file, from the root of the repository. */
  readonly file: string;
  /** Matched against the full name: suites and test, joined by ` > `. */
  readonly test: RegExp;
  readonly reason: string;
}

export const allowedSkips: readonly AllowedSkip[] = [
  {
    file: 'packages/extractor-pipelines/src/net-files/tfjs-engine.test.ts',
    test: /^TensorFlow\.js on tensorflow > /,
    reason: 'native TensorFlow is not built (npm run test:tensorflow builds it)',
  },
  {
    file: 'packages/extractor-pipelines/src/net-files/tfjs-engine.test.ts',
    test: /^TensorFlow\.js on tensorflow-gpu > /,
    reason: 'needs a GPU and TensorFlow built for it',
  },
  {
    file: 'packages/extractors/src/engines/onnx-provider.test.ts',
    test: /^an extractor > does not open on a GPU that is not there$/,
    reason: 'the machine has CUDA',
  },
  {
    file: 'packages/extractors/src/table/contract.test.ts',
    test: /^efficientnet-lite2\.v1 > /,
    reason: 'the weights of lite2 are not built (npm run models builds them)',
  },
];
