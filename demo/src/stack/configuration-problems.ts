/** Collects the problems of all parts of a configuration, so that one error lists each of them once. */
import { HeadwaterError } from '@headwater/errors';

export class ConfigurationProblems {
  /** Indented lines, in the order of detection. */
  readonly #found = new Set<string>();

  /** The result of `read`; undefined where it was invalid. Errors: any other than config-invalid. */
  async try<T>(read: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof HeadwaterError) || error.code !== 'config-invalid') throw error;
      const lines = error.message.split('\n');
      // The first line of several only announces those of the environment.
      if (lines[0]?.startsWith('the environment has'))
        for (const line of lines.slice(1)) this.#found.add(line);
      else this.#found.add(lines.map((line) => `  ${line}`).join('\n'));
      return undefined;
    }
  }

  /** Errors: config-invalid, with all problems. */
  throwAny(): void {
    if (this.#found.size === 0) return;
    const lines = ['invalid configuration:', ...this.#found];
    throw new HeadwaterError('config-invalid', lines.join('\n'));
  }
}
