import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { allowedSkips } from './allowed-skips.ts';
import { isCi, judgeSkips } from './skip-rules.ts';

const gpu = { file: 'a/gpu.test.ts', test: /^on a GPU > /, reason: 'needs a GPU' };

describe('the rules for skipped tests', () => {
  it('allow a test that an entry names by file and full name', () => {
    const skipped = { file: 'a/gpu.test.ts', test: 'on a GPU > computes' };
    expect(judgeSkips([skipped], [gpu])).toEqual([{ ...skipped, reason: 'needs a GPU' }]);
  });

  it.each([
    ['another test of the same file', 'a/gpu.test.ts', 'on a CPU > computes'],
    ['a test of the same name in another file', 'b/gpu.test.ts', 'on a GPU > computes'],
    ['a file whose path only ends alike', 'c/a/gpu.test.ts', 'on a GPU > computes'],
    ['a name that only contains the pattern', 'a/gpu.test.ts', 'never on a GPU > computes'],
  ])('do not allow %s', (_what, file, test) => {
    expect(judgeSkips([{ file, test }], [gpu])).toEqual([{ file, test, reason: undefined }]);
  });

  it('allow native TensorFlow and the weights of lite2, and nothing else of their files', () => {
    const engine = 'packages/extractor-pipelines/src/net-files/tfjs-engine.test.ts';
    const contract = 'packages/extractors/src/table/contract.test.ts';
    const skipped = [
      { file: engine, test: 'TensorFlow.js on tensorflow > says what it is' },
      { file: engine, test: 'TensorFlow.js on wasm > says what it is' },
      { file: contract, test: 'efficientnet-lite2.v1 > has its dimensions' },
      { file: contract, test: 'efficientnet-lite0.v1 > has its dimensions' },
    ];
    const isAllowed = judgeSkips(skipped, allowedSkips).map(({ reason }) => reason !== undefined);
    expect(isAllowed).toEqual([true, false, true, false]);
  });

  it('never allow the tests that need a browser or Kafka', () => {
    const skipped = [
      { file: 'packages/http/src/page-policy.browser.test.ts', test: 'in a browser > runs' },
      { file: 'test/without-kafka.ts', test: 'everything that needs Kafka: no Java' },
    ];
    expect(judgeSkips(skipped, allowedSkips).map(({ reason }) => reason)).toEqual([undefined, undefined]);
  });

  it('name only files that exist', () => {
    const missing = allowedSkips.filter(({ file }) => !existsSync(new URL(`../../${file}`, import.meta.url)));
    expect(missing).toEqual([]);
  });

  it.each([
    [undefined, false],
    ['', false],
    ['false', false],
    ['0', false],
    ['true', true],
    ['1', true],
  ])('take CI=%s for %s', (CI, expected) => {
    expect(isCi(CI === undefined ? {} : { CI })).toBe(expected);
  });
});
