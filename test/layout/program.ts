/** `npm run lint` checks the layout of the code with this: layers, circles, and sizes of folders. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { listSources, readSource, type SourceFile } from './imports.ts';
import { findCircles, findFullFolders, findLayerFaults, isTest, packageFolder } from './rules.ts';

function listPackages(root: string): string[] {
  const { workspaces } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    workspaces: string[];
  };
  return workspaces.flatMap((pattern) =>
    pattern.endsWith('/*')
      ? readdirSync(join(root, pattern.slice(0, -2))).map((name) => posix.join(pattern.slice(0, -2), name))
      : [pattern],
  );
}

function nameOf(root: string, folder: string): string {
  return (JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as { name: string }).name;
}

function importsOfPackages(
  sources: readonly SourceFile[],
  folders: ReadonlyMap<string, string>,
): Map<string, string[]> {
  const imports = new Map<string, string[]>();
  for (const { path, packages } of sources.filter((source) => !isTest(source.path))) {
    const own = packageFolder(path);
    const others = packages.flatMap((name) => folders.get(name) ?? []).filter((folder) => folder !== own);
    imports.set(own, [...(imports.get(own) ?? []), ...others]);
  }
  return imports;
}

/** Everything that breaks a rule, in words. */
export function checkLayout(root: string): string[] {
  const folders = new Map(listPackages(root).map((folder) => [nameOf(root, folder), folder]));
  const sources = [...folders.values()].flatMap((folder) =>
    listSources(root, posix.join(folder, 'src')).map((path) => readSource(root, path)),
  );
  const files = new Map(sources.map(({ path, files }) => [path, files]));
  const inWords = (circle: readonly string[]) => `circle: ${circle.join(' → ')}`;
  return [
    ...findLayerFaults(sources, folders),
    ...findCircles(files).map(inWords),
    ...findCircles(importsOfPackages(sources, folders)).map(inWords),
    ...findFullFolders(sources),
  ];
}
