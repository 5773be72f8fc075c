import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { collectWireNames, type WireNames } from './wire-names.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const agreed = JSON.parse(readFileSync(new URL('wire-names.json', import.meta.url), 'utf8')) as WireNames;
const collected = collectWireNames(root);

it.each(Object.keys(agreed))('keeps the agreed names: %s', (kind) => {
  // A name that changes breaks programs of users: change wire-names.json by hand, and name the change in CHANGELOG.md.
  expect(collected[kind]).toEqual(agreed[kind]);
});

it('finds names of every kind', () => {
  expect(Object.keys(collected)).toEqual(Object.keys(agreed));
  for (const names of Object.values(collected)) expect(names.length).toBeGreaterThan(0);
});
