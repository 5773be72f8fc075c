/**
 * The reference pages that follow from the code. The test says when they are out of date; `npm run docs` writes
 * them anew.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { classifyAccess, classifyEnvironment } from '@headwater/classify';
import { errorCodes } from '@headwater/errors';
import { extractEnvironment } from '@headwater/extract';
import { ingestAccess, ingestEnvironment } from '@headwater/ingest';
import { createNames, topicSpecs } from '@headwater/log';
import { commonEnvironment, listVariables, type Variable } from '@headwater/service-kit';
import { expect, test } from 'vitest';
import { cell, table } from './markdown.ts';

const notice = '<!-- Generated from the code by `npm run docs`; do not edit. -->';
const page = (title: string, ...blocks: string[]) => `# ${title}\n\n${notice}\n\n${blocks.join('\n\n')}\n`;

function variableTable(variables: readonly Variable[]): string {
  return table(
    ['variable', 'meaning', 'expected', 'default'],
    variables.map(({ name, description = '', expected = '', secret, required, default: fallback }) => [
      `\`${name}\`${secret === true ? ' (secret)' : ''}`,
      cell(description),
      cell(expected),
      required ? 'required' : (fallback ?? '') === '' ? '–' : `\`${fallback}\``,
    ]),
  );
}

test('configuration', async () => {
  const shared = new Map(listVariables(commonEnvironment).map((variable) => [variable.name, variable]));
  const services = [
    ['ingest', listVariables(ingestEnvironment)],
    ['extract', listVariables(extractEnvironment)],
    ['classify', listVariables(classifyEnvironment)],
  ] as const;
  const sections = services.map(([name, variables]) => {
    const own = variables.filter((variable) => !isSame(variable, shared.get(variable.name)));
    return `## ${name}\n\n${variableTable(own)}`;
  });
  const text = page(
    'Configuration',
    'Each service reads environment variables at its start, and reports all errors in them at once. An empty variable\ncounts as not set. A variable marked (secret) may be given in a file: `<NAME>_FILE` holds its path. `--help` of each\nservice prints the same.',
    `## Every service\n\n${variableTable([...shared.values()])}`,
    ...sections,
  );
  await expect(text).toMatchFileSnapshot('reference/configuration.md');
});

function isSame(variable: Variable, shared: Variable | undefined): boolean {
  return shared !== undefined && JSON.stringify(variable) === JSON.stringify(shared);
}

test('errors', async () => {
  const verdicts = {
    retry: 'tried again after a pause, outside of a transaction',
    'dead-letter':
      'the record goes to `<topic>-dlt` with its reason, or the request is answered with a problem document',
    stop: 'the process ends with exit code 1: going on would lose data, or repeat the error for every record',
  };
  const text = page(
    'Errors',
    'Every error has a code, in logs, in the headers of dead letters and in problem documents, and one of three verdicts.\nWhere a single error has another verdict than its code, its log line names it.',
    table(['verdict', 'what happens'], Object.entries(verdicts)),
    table(
      ['code', 'when', 'verdict'],
      Object.entries(errorCodes).map(([code, { when, verdict }]) => [`\`${code}\``, cell(when), verdict]),
    ),
  );
  await expect(text).toMatchFileSnapshot('reference/errors.md');
});

test('access', async () => {
  const routes = (access: Readonly<Record<string, string>>) =>
    table(
      ['route', 'role'],
      Object.entries(access).map(([route, role]) => [
        `\`${route.replace(/:(\w+)/g, '{$1}')}\``,
        role === 'open' ? 'no token' : `\`${role}\``,
      ]),
    );
  const text = page(
    'Access',
    'The role that a token needs for each route, where `AUTH_TOKENS` is set ([security](../guides/security.md)). `write`\nincludes `read`, and `admin` includes both. HEAD is as GET; a path that is not listed requires `admin`, or is answered\nwith 404.',
    `## ingest\n\n${routes(ingestAccess)}`,
    `## classify\n\n${routes(classifyAccess)}`,
    '## Admin port of each service\n\n' +
      table(
        ['route', 'role'],
        [
          ['`GET /livez`, `GET /readyz`', 'no token'],
          ['`GET /metrics`', 'no token; `read` with `METRICS_ACCESS=read`'],
        ],
      ),
  );
  await expect(text).toMatchFileSnapshot('reference/access.md');
});

test('topics', async () => {
  const specs = topicSpecs(createNames(), { extractors: ['<extractor>'], partitions: 6 });
  const text = page(
    'Topics',
    'Topics that are created with the default configuration. `labels`, `vectors.*` and the other topics that spread must\nhave the same number of partitions; existing topics are used as they are. Replication is that of the cluster unless it\nis set. See also `headwater topics --dry-run`.',
    table(
      ['topic', 'partitions', 'settings'],
      specs.map(({ name, partitions, settings }) => [
        `\`${name}\``,
        String(partitions),
        Object.entries(settings)
          .map(([setting, value]) => `\`${setting}=${value}\``)
          .join(' '),
      ]),
    ),
  );
  await expect(text).toMatchFileSnapshot('reference/topics.md');
});

/** Name and help stand as literals in the call that creates a metric; this finds every such call. */
const registration = /\.(counter|gauge|histogram)\(\s*'(headwater_\w+)',\s*(?:'([^']*)'|"([^"]*)")/g;
const anyRegistration = /\.(?:counter|gauge|histogram)\(\s*['"`]headwater_/g;

function listSources(): string[] {
  const packages = ['packages', 'services'].flatMap((kind) =>
    readdirSync(kind).map((name) => join(kind, name, 'src')),
  );
  const files = packages.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
  );
  return files.filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts')).sort();
}

function findMetrics() {
  const found = new Map<string, { kind: string; help: string; where: Set<string> }>();
  for (const file of listSources()) {
    const source = readFileSync(file, 'utf8');
    const calls = [...source.matchAll(registration)];
    expect([file, calls.length]).toEqual([file, [...source.matchAll(anyRegistration)].length]);
    for (const [, kind = '', name = '', single, double] of calls) {
      const entry = found.get(name) ?? { kind, help: single ?? double ?? '', where: new Set<string>() };
      entry.where.add(file.split('/')[1] ?? '');
      found.set(name, entry);
    }
  }
  return found;
}

test('metrics', async () => {
  const metrics = [...findMetrics()].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, { kind }] of metrics) {
    expect([name, kind === 'counter']).toEqual([name, name.endsWith('_total')]);
  }
  const text = page(
    'Metrics',
    'Prometheus metrics at `/metrics` of each service’s admin port, beside those of the process and its event loop\n(`process_*`, `nodejs_*`).',
    table(
      ['metric', 'kind', 'meaning', 'of'],
      metrics.map(([name, { kind, help, where }]) => [
        `\`${name}\``,
        kind,
        cell(help.replace(/\.?$/, '.')),
        [...where].join(', '),
      ]),
    ),
  );
  await expect(text).toMatchFileSnapshot('reference/metrics.md');
});
