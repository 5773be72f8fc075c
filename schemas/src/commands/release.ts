/**
 * `npm run release -w @headwater/schemas`: keeps the current schemas as released versions, each under the next number if it differs
 * from the newest one. Refuses all where one could not read what a released version wrote.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { releaseProblems } from '../compatibility.ts';
import { currentSchemas, type NamedSchema, schemaText } from '../current-schemas.ts';
import { type ReleasedSchema, releasedSchemas, schemaFolder } from '../schema-files.ts';

function newest(name: string, released: readonly ReleasedSchema[]): ReleasedSchema | undefined {
  const versions = released.filter((release) => release.name === name);
  return versions.reduce<ReleasedSchema | undefined>(
    (last, release) => (last === undefined || release.version > last.version ? release : last),
    undefined,
  );
}

function release({ name, schema }: NamedSchema, released: readonly ReleasedSchema[]): void {
  const last = newest(name, released);
  const text = schemaText(schema);
  if (last !== undefined && schemaText(last.schema) === text) return;
  const path = `released/${name}/${(last?.version ?? 0) + 1}.avsc`;
  mkdirSync(`${schemaFolder}released/${name}`, { recursive: true });
  writeFileSync(`${schemaFolder}${path}`, text);
  process.stdout.write(`schemas/${path}\n`);
}

const released = releasedSchemas();
const current = currentSchemas();
const problems = current.flatMap(({ name, schema }) => releaseProblems(name, schema, released));
for (const problem of problems) process.stderr.write(`${problem}\n`);
if (problems.length > 0) process.exitCode = 1;
else for (const named of current) release(named, released);
