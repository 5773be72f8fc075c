/** Commands, options and environment variables that the documentation names exist. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { classifyEnvironment } from '@headwater/classify';
import { extractEnvironment } from '@headwater/extract';
import { ingestEnvironment } from '@headwater/ingest';
import { commonEnvironment, listVariables } from '@headwater/service-kit';
import { expect, test } from 'vitest';
import { runProgram } from '../cli/src/program.ts';
import { createConsoleLogger } from '../cli/src/terminal/console-logger.ts';
import { listMarkdown, readPage, root } from './markdown.ts';

/** Past versions named other commands. */
const pages = listMarkdown()
  .filter((path) => path !== 'CHANGELOG.md')
  .map(readPage);

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

/** Code in a page: lines of shell fences (with continuations joined, without comments) and inline code. */
function codeOf({ fences, prose }: (typeof pages)[number]): string[] {
  const shell = fences.filter(({ language }) => ['sh', 'bash', ''].includes(language));
  const lines = shell.flatMap(({ code }) => code.replaceAll(/\\\n\s*/g, ' ').split('\n'));
  const inline = [...prose.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code.replaceAll(/\s+/g, ' '));
  return [...lines, ...inline].map((line) => line.replace(/(^|\s)#.*$/, '').trim());
}

/** Matches of a pattern's first group, by page, each once. */
function named(pattern: RegExp): [page: string, name: string][] {
  const found = pages.flatMap((page) =>
    codeOf(page).flatMap((line) =>
      [...line.matchAll(pattern)].map(([, name = '']) => `${page.path}\n${name}`),
    ),
  );
  return [...new Set(found)].map((entry) => entry.split('\n') as [string, string]);
}

test.each(named(/\bnpm run (?:--silent )?([\w:-]+)(?![\w:-]| *-w)/g))(
  '%s names the script %s of package.json',
  (page, name) => {
    const isOfWorkspace = page === 'schemas/README.md' || page.startsWith('packages/');
    if (!isOfWorkspace) expect(Object.keys(scripts)).toContain(name);
  },
);

async function helpOf(words: readonly string[]): Promise<string | undefined> {
  let text = '';
  const stream = {
    write: (more: string) => {
      text += more;
      return true;
    },
  };
  const code = await runProgram(['node', 'headwater', ...words, '--help'], {
    environment: {},
    stdout: stream,
    stderr: stream as never,
    signal: new AbortController().signal,
    createLogger: (say) => createConsoleLogger({}, say),
  });
  return code === 0 ? text : undefined;
}

/** Verbs of a group of commands stand in the group's help. */
function verbsIn(help: string): string[] {
  const [, list = ''] = /\nCommands:\n([\s\S]*?)\n(?:\n|$)/.exec(help) ?? [];
  return [...list.matchAll(/^ {2}(\w[\w-]*)/gm)].map(([, verb = '']) => verb);
}

/** Which command a line calls, and the help of it; what does not exist is returned as missing. */
async function resolve(words: readonly string[]): Promise<{ help: string; missing: string[] }> {
  let help = (await helpOf([])) ?? '';
  const path: string[] = [];
  for (const word of words) {
    const verbs = verbsIn(help);
    if (verbs.length === 0 || !/^[a-z][a-z-]*$/.test(word)) break;
    if (!verbs.includes(word)) {
      // A group may also be a command of its own, with arguments or without.
      if (/^Usage: headwater [^\n]*\[command\]/.test(help) && path.length > 0) break;
      return { help, missing: [[...path, word].join(' ')] };
    }
    path.push(word);
    help = (await helpOf(path)) ?? '';
  }
  const options = words.filter((word) => /^--[a-z]/.test(word)).map((word) => word.split('=')[0] ?? '');
  return { help, missing: options.filter((option) => !new RegExp(`${option}(?![\\w-])`).test(help)) };
}

const calls = named(/(?:^|npx |[=\w"'] |\$\()headwater ((?:-?-?[\w[][^|;&)]*)?)/g).map(
  ([page, call]) => [page, call.trim()] as const,
);

test('the documentation calls commands', () => {
  expect(calls.length).toBeGreaterThan(50);
});

test.each(calls)('%s calls headwater %s, which exists', async (_page, call) => {
  const words = call.replaceAll(/[[\],]/g, '').split(/\s+/);
  expect((await resolve(words)).missing).toEqual([]);
});

/** Variables of other programs, and of commands of ours that are no services. */
const furtherVariables = new Set([
  'AWS_ACCESS_KEY_ID',
  'CLASSIFY_HTTP_PORT',
  'HEADWATER_TOKEN',
  'HEADWATER_TOKEN_FILE',
  'INGEST_HTTP_PORT',
  'MALLOC_ARENA_MAX',
  'NODE_EXTRA_CA_CERTS',
  'OPENBLAS_CORETYPE',
  'OPENBLAS_L2_SIZE',
  'TENSORFLOW_DIR',
  'UV_THREADPOOL_SIZE',
]);

function knownVariables(): Set<string> {
  const environments = [commonEnvironment, ingestEnvironment, extractEnvironment, classifyEnvironment];
  const names = environments.flatMap((environment) =>
    listVariables(environment).flatMap(({ name, secret }) =>
      secret === true ? [name, `${name}_FILE`] : [name],
    ),
  );
  return new Set([...names, ...furtherVariables]);
}

const known = knownVariables();

test.each(named(/(?<![\w.-])([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|TASKS|HEADS|LIFT|WINDOW|EXTRACTORS?)(?==)/g))(
  '%s sets the variable %s, which exists',
  (_page, name) => {
    expect(known).toContain(name);
  },
);
