/** The schemas, read once from the package that holds them: it is found like any other package, in a checkout and in an installation. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import type { AvroSchema, VectorContract } from './api.ts';

/** Names of the records that are not vectors; each has its `<name>.avsc`. */
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
      `Cannot read schemas/${path}; is it part of the installation?`,
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

/** Contracts of the extractors that were released. */
export function releasedContracts(): VectorContract[] {
  const files = readdirSync(`${schemaFolder}vectors`).filter((file) => file.endsWith('.json'));
  return files.sort().map((file) => readJson<VectorContract>(`vectors/${file}`));
}

/** Every version that was ever released, of every schema. */
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
  throw new HeadwaterError('schema-incompatible', `schemas/released/${file} is not named by a version.`);
}
