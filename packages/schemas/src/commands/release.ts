/** `npm run release -w @headwater/schemas`: releases the current schemas; exits with 1 where one is incompatible. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { currentSchemas, schemaText } from '../current-schemas.ts';
import { planRelease } from '../release.ts';
import { releasedSchemas, schemaFolder } from '../schema-files.ts';

const { problems, additions } = planRelease(currentSchemas(), releasedSchemas());
for (const problem of problems) process.stderr.write(`${problem}\n`);
for (const { name, version, schema } of additions) {
  const folder = `released/${name}`;
  mkdirSync(`${schemaFolder}${folder}`, { recursive: true });
  writeFileSync(`${schemaFolder}${folder}/${version}.avsc`, schemaText(schema));
  process.stdout.write(`schemas/${folder}/${version}.avsc\n`);
}
if (problems.length > 0) process.exitCode = 1;
