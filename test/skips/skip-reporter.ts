/** Lists the skipped tests at the end of a run by name. In CI the run fails when one of them is not allowed. */
import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Reporter, TestModule, Vitest } from 'vitest/node';
import { allowedSkips } from './allowed-skips.ts';
import { isCi, type JudgedSkip, judgeSkips, type SkippedTest } from './skip-rules.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

export class SkipReporter implements Reporter {
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    // `-t` skips every test that it does not name.
    if (this.#vitest?.config.testNamePattern !== undefined) return;
    const judged = judgeSkips(modules.flatMap(skippedIn), allowedSkips);
    if (judged.length === 0) return;
    process.stderr.write(`\nskipped tests: ${judged.length}\n${judged.map(describe).join('')}`);
    const forbidden = judged.filter(({ reason }) => reason === undefined);
    if (forbidden.length === 0 || !isCi(process.env)) return;
    process.stderr.write(
      `\nskipped tests that CI does not allow: ${forbidden.length}; provide what they need, or list them with a reason in test/skips/allowed-skips.ts\n`,
    );
    process.exitCode = 1;
  }
}

function skippedIn(module: TestModule): SkippedTest[] {
  const file = relative(root, module.moduleId).replaceAll(sep, '/');
  return [...module.children.allTests('skipped')].map(({ fullName }) => ({ file, test: fullName }));
}

function describe({ file, test, reason = 'not in the list of allowed skips' }: JudgedSkip): string {
  return `  ${file} > ${test} (${reason})\n`;
}
