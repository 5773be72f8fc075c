/** Which skipped tests a run in CI accepts. */
import type { AllowedSkip } from './allowed-skips.ts';

export interface SkippedTest {
  /** Path of the test file, from the root of the repository. */
  readonly file: string;
  /** Suites and test, joined by ` > `. */
  readonly test: string;
}

export interface JudgedSkip extends SkippedTest {
  /** Undefined where no entry of the list allows it. */
  readonly reason: string | undefined;
}

export function judgeSkips(
  skipped: readonly SkippedTest[],
  allowed: readonly AllowedSkip[],
): readonly JudgedSkip[] {
  return skipped.map(({ file, test }) => {
    const entry = allowed.find((one) => one.file === file && one.test.test(test));
    return { file, test, reason: entry?.reason };
  });
}

export function isCi({ CI }: NodeJS.ProcessEnv): boolean {
  return CI !== undefined && CI !== '' && CI !== 'false' && CI !== '0';
}
