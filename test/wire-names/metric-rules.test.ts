import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { listSources } from '../layout/imports.ts';
import { findMetrics, lintMetric } from './metric-rules.ts';
import { collectWireNames } from './wire-names.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

it('finds that all metrics follow the rules of promtool check metrics', () => {
  const metrics = ['packages', 'services']
    .flatMap((folder) => listSources(root, folder))
    .filter((path) => !path.endsWith('.test.ts'))
    .flatMap((path) => findMetrics(readFileSync(join(root, path), 'utf8')));
  const names = new Set(metrics.map(({ name }) => name));
  expect(collectWireNames(root).metrics?.filter((name) => !names.has(name))).toEqual(formerNames);
  expect(metrics.flatMap(lintMetric)).toEqual([]);
});

/** Aliases of renamed metrics, which are created from a table. */
const formerNames = [
  'headwater_classify_lanes',
  'headwater_extract_decoder_deaths_total',
  'headwater_extract_lanes',
];

it.each([
  ['headwater_images', 'counter', 'without the suffix _total'],
  ['headwater_images_total', 'gauge', 'is no counter'],
  ['headwater_images_count', 'gauge', 'reserved'],
  ['headwater_time_milliseconds', 'histogram', 'the base unit is seconds'],
  ['headwater_time_ms', 'histogram', 'abbreviated'],
  ['headwater_size_megabytes', 'gauge', 'the base unit is bytes'],
  ['headwater_used_percent', 'gauge', 'the base unit is ratio'],
  ['headwater_counter_total', 'counter', 'its kind'],
  ['headwater_freeBytes', 'gauge', 'lower-case'],
])('finds the fault of %s as a %s', (name, kind, problem) => {
  expect(lintMetric({ name, kind, help: 'Help.' })).toEqual([expect.stringContaining(problem)]);
});

it('finds a missing help text', () => {
  expect(lintMetric({ name: 'headwater_images', kind: 'gauge', help: '' })).toEqual([
    'headwater_images has no help text',
  ]);
});
