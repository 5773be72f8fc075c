/** The file of a user-supplied module: its digest, and the files that the digest does not cover. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import { sha256 } from '@headwater/extractors';

export interface UserModule {
  readonly path: string;
  /** SHA-256 of the module, and of the other files that the digest covers. */
  readonly contents: readonly string[];
  /** Files that it loads and that no digest covers. */
  readonly uncovered: readonly string[];
}

const loads = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)(['"])([^'"\n]+)\1/g;

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new HeadwaterError('model-invalid', `module ${path} cannot be read`, { cause });
  }
}

function uncoveredOf(source: string, path: string, covers: readonly string[]): string[] {
  const names = new Set(Array.from(source.matchAll(loads), ([, , name = '']) => name));
  return [...names]
    .filter((name) => !name.startsWith('node:'))
    .filter((name) => !name.startsWith('.') || !covers.includes(resolve(dirname(path), name)))
    .sort();
}

/** Errors: model-invalid. */
export async function readModule(path: string, covers: readonly string[]): Promise<UserModule> {
  const sources = await Promise.all([path, ...covers].map(read));
  const uncovered = [path, ...covers].flatMap((file, index) =>
    uncoveredOf(sources[index] ?? '', file, covers),
  );
  return { path, contents: sources.map((source) => sha256(source)), uncovered: [...new Set(uncovered)] };
}
