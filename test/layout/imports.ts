/** Which file imports which, read by a parser: type-only and dynamic imports count like all others. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { parseSync } from 'oxc-parser';

export interface SourceFile {
  /** Relative to the checkout, with `/`. */
  readonly path: string;
  /** What it imports of its own package: paths of files. */
  readonly files: readonly string[];
  /** What it imports of other packages, as written, without a path below the package's name. */
  readonly packages: readonly string[];
}

const skipped = new Set(['node_modules', 'dist', 'assembly']);

/** Source files below a folder: `.ts` and `.mjs`. */
export function listSources(root: string, folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : listSources(root, path);
    return /\.(ts|mjs)$/.test(entry.name) ? [path] : [];
  });
}

/** `@headwater/log/x` is of `@headwater/log`, `kafkajs/src/x` of `kafkajs`. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Parses one file. Throws on a syntax error. */
export function readSource(root: string, path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8');
  const { module, errors } = parseSync(path, text);
  if (errors[0] !== undefined) throw new Error(`${path}: ${errors[0].message}`);
  const specifiers = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
    ),
    ...Array.from(text.matchAll(/\b(?:import|require)\(\s*'([^']+)'/g), ([, specifier]) => specifier ?? ''),
  ];
  const own = specifiers.filter((specifier) => specifier.startsWith('.'));
  const others = specifiers.filter(
    (specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'),
  );
  return {
    path,
    files: [...new Set(own.map((specifier) => posix.join(posix.dirname(path), specifier)))],
    packages: [...new Set(others.map(packageOf))],
  };
}
