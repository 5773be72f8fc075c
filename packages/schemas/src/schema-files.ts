/** Reads the schema files of the package `@headwater/schema-files`, in a checkout and in an installation. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import type { AvroSchema, VectorContract } from './api.ts';

/** Names of the records with a `<name>.avsc`; vectors have generated schemas. */
export const recordNames = [
  'ImageReceived',
  'LabelAssigned',
  'Example',
  'HeadTrained',
  'HeadActivated',
  'ImageClassified',
] as const;
export type RecordName = (typeof recordNames)[number];

/** The folder with the `.avsc` files. */
export const schemaFolder = `${dirname(createRequire(import.meta.url).resolve('@headwater/schema-files/package.json'))}/`;

/** One released version of a record's or an extractor's schema. */
export interface ReleasedSchema {
  /** A record's name, or `vectors/<extractor>`. */
  readonly name: string;
  readonly version: number;
  readonly schema: AvroSchema;
}

function readJson<T>(path: string): T {
  try {
    return JSON.parse(readFileSync(`${schemaFolder}${path}`, 'utf8')) as T;
  } catch (cause) {
    throw new HeadwaterError(
      'schema-incompatible',
      `cannot read schemas/${path}; check that @headwater/schema-files is installed`,
      {
        cause,
      },
    );
  }
}

/** The current schema of a record. */
export function recordSchema(name: RecordName): AvroSchema {
  return readJson(`${name}.avsc`);
}

/** Contracts of the released extractors. */
export function releasedContracts(): VectorContract[] {
  const files = readdirSync(`${schemaFolder}vectors`).filter((file) => file.endsWith('.json'));
  return files.sort().map((file) => readJson<VectorContract>(`vectors/${file}`));
}

/** All released versions of all schemas. */
export function releasedSchemas(): ReleasedSchema[] {
  const files = readdirSync(`${schemaFolder}released`, { recursive: true, encoding: 'utf8' });
  return files
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.avsc'))
    .sort()
    .map((file) => ({ ...releaseOf(file), schema: readJson<AvroSchema>(`released/${file}`) }));
}

function releaseOf(file: string): { name: string; version: number } {
  const slash = file.lastIndexOf('/');
  const version = Number(file.slice(slash + 1, -'.avsc'.length));
  if (Number.isInteger(version) && version > 0) return { name: file.slice(0, slash), version };
  throw new HeadwaterError(
    'schema-incompatible',
    `schemas/released/${file}: the name must be a version number`,
  );
}
