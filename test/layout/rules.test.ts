import { expect, it } from 'vitest';
import { findCircles, findFullFolders, findLayerFaults } from './rules.ts';

const folders = new Map([
  ['@headwater/errors', 'packages/errors'],
  ['@headwater/schemas', 'packages/schemas'],
  ['@headwater/log', 'packages/log'],
  ['@headwater/heads', 'packages/heads'],
  ['@headwater/testing', 'packages/testing'],
  ['@headwater/ingest', 'services/ingest'],
  ['@headwater/extract', 'services/extract'],
]);

it.each([
  ['packages/schemas/src/a.ts', '@headwater/log', 'of a layer above'],
  ['packages/log/src/a.ts', '@headwater/ingest', 'of a layer above'],
  ['services/ingest/src/a.ts', '@headwater/extract', 'services never import each other'],
  ['packages/heads/src/a.ts', '@headwater/log', 'pure computation'],
  ['services/ingest/src/a.ts', 'kafkajs', 'only packages/log may'],
  ['services/ingest/src/a.ts', '@headwater/testing', 'only tests may'],
])('finds that %s must not import %s', (path, name, reason) => {
  expect(findLayerFaults([{ path, files: [], packages: [name] }], folders)).toEqual([
    expect.stringContaining(reason),
  ]);
});

it('allows imports of layers below, and everything to tests', () => {
  const sources = [
    {
      path: 'services/ingest/src/a.ts',
      files: [],
      packages: ['@headwater/log', '@headwater/errors', 'fastify'],
    },
    { path: 'packages/log/src/a.test.ts', files: [], packages: ['@headwater/testing', 'avsc'] },
  ];
  expect(findLayerFaults(sources, folders)).toEqual([]);
});

it('finds circles of any length, and no others', () => {
  const imports = new Map([
    ['a', ['b']],
    ['b', ['c', 'd']],
    ['c', ['a']],
    ['d', []],
    ['e', ['f', 'a']],
    ['f', ['e']],
  ]);
  expect(findCircles(imports).map((circle) => circle.sort())).toEqual([
    ['a', 'b', 'c'],
    ['e', 'f'],
  ]);
});

it('finds a folder with more than 15 source files, not counting tests', () => {
  const files = (count: number, suffix: string) =>
    Array.from({ length: count }, (_, index) => ({
      path: `cli/src/x/${index}${suffix}`,
      files: [],
      packages: [],
    }));
  expect(findFullFolders([...files(15, '.ts'), ...files(9, '.test.ts')])).toEqual([]);
  expect(findFullFolders(files(16, '.ts'))).toEqual(['cli/src/x has 16 source files, at most 15']);
});
