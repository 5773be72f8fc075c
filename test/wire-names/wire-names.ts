/**
 * Every name that other programs depend on: topics, headers, error codes, metrics, fields of records and of HTTP responses, and the
 * name of the group protocol. They are collected from the code; `wire-names.json` is what was agreed.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCodes } from '@headwater/errors';
import { createNames } from '@headwater/log';
import { recordNames, recordSchema } from '../../packages/schemas/src/schema-files.ts';
import * as classifyResponses from '../../services/classify/src/api/response-schemas.ts';
import * as ingestResponses from '../../services/ingest/src/http/responses.ts';
import { listSources } from '../layout/imports.ts';

export type WireNames = Readonly<Record<string, readonly string[]>>;

const folders = ['packages', 'services', 'cli/src', 'demo/src'];

function sorted(names: Iterable<string>): string[] {
  return [...new Set(names)].sort();
}

/** Text of all sources but tests. */
function readSources(root: string): string {
  return folders
    .flatMap((folder) => listSources(root, folder))
    .filter((path) => !/\.test\.ts$|\/testing\//.test(path))
    .map((path) => readFileSync(join(root, path), 'utf8'))
    .join('\n');
}

function matches(text: string, pattern: RegExp): string[] {
  return sorted(Array.from(text.matchAll(pattern), ([, name]) => name ?? ''));
}

/** Names of properties in a JSON Schema, at any depth. */
function propertiesOf(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) => [
    ...(key === 'properties' && typeof value === 'object' && value !== null ? Object.keys(value) : []),
    ...propertiesOf(value),
  ]);
}

function topicsOf(): string[] {
  const { topics, groups } = createNames();
  const named = (value: unknown): string[] => {
    if (typeof value === 'string') return [value];
    if (typeof value === 'function') return [String(value('<name>'))];
    return Object.values(value as object).flatMap(named);
  };
  return [...named(topics), ...named(groups)];
}

/** `root` is the checkout. */
export function collectWireNames(root: string): WireNames {
  const text = readSources(root);
  const fieldsOf = (schema: unknown) =>
    (schema as { fields: { name: string }[] }).fields.map(({ name }) => name);
  return {
    topicsAndGroups: sorted(topicsOf()),
    headers: matches(text, /'((?:headwater\.|__connect\.)[a-z.A-Z]+)'/g),
    errorCodes: sorted(Object.keys(errorCodes)),
    metrics: matches(text, /'(headwater_[a-z_]+)'/g),
    groupProtocol: matches(text, /assignerName = '([^']+)'/g),
    recordFields: sorted(
      recordNames.flatMap((name) => fieldsOf(recordSchema(name)).map((field) => `${name}.${field}`)),
    ),
    ingestFields: sorted(propertiesOf(ingestResponses)),
    classifyFields: sorted(propertiesOf(classifyResponses)),
  };
}
