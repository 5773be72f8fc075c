/** `npm run release`: keeps the schemas, dates the section of CHANGELOG.md, commits, and prints the command that sets the tag. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { currentSchemas } from '../../packages/schemas/src/current-schemas.ts';
import { planRelease } from '../../packages/schemas/src/release.ts';
import { releasedSchemas } from '../../packages/schemas/src/schema-files.ts';
import { dateSection } from './changelog.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

const help = `npm run release -- [options]

Releases the version of package.json: needs a clean working tree and a section for the version in CHANGELOG.md. Writes the current
schemas to schemas/released, dates the section, commits both, and prints the command that sets the tag.

  --dry-run       checks all, and writes nothing
  --help

Exit codes: 0 released; 1 something is missing; 2 wrong usage.
`;

/** Returns the exit code. */
export function main(args: readonly string[]): number {
  const options = { 'dry-run': { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;
  let values: { 'dry-run'?: boolean; help?: boolean };
  try {
    values = parseArgs({ args: [...args], options }).values;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${help}`);
    return 2;
  }
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  try {
    release(values['dry-run'] === true);
    return 0;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return 1;
  }
}

function release(isDry: boolean): void {
  const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string };
  const tag = `v${version}`;
  if (git('status', '--porcelain') !== '')
    throw new Error('the working tree is not clean: commit or stash the changes');
  if (git('tag', '--list', tag) !== '')
    throw new Error(`the tag ${tag} exists: set the next version in package.json`);
  const changelog = readFileSync(`${root}CHANGELOG.md`, 'utf8');
  const dated = dateSection(changelog, version, new Date().toISOString().slice(0, 10));
  const { problems, additions } = planRelease(currentSchemas(), releasedSchemas());
  if (problems.length > 0) throw new Error(problems.join('\n'));
  const schemas = additions.map((one) => `schemas/released/${one.name}/${one.version}.avsc`);
  process.stdout.write(`version ${version}; new released schemas: ${schemas.join(', ') || 'none'}\n`);
  if (isDry) {
    process.stdout.write('dry run: nothing was written\n');
    return;
  }
  execFileSync('npm', ['run', 'release', '-w', '@headwater/schemas'], { cwd: root, stdio: ['ignore', 2, 2] });
  writeFileSync(`${root}CHANGELOG.md`, dated);
  git('add', 'CHANGELOG.md', 'schemas/released');
  if (git('diff', '--cached', '--name-only') !== '') git('commit', '--message', `chore(release): ${version}`);
  process.stdout.write(`committed; to set the tag: git tag -a ${tag} -m 'Headwater ${version}'\n`);
}

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
}
