/** `npm run generate -w @headwater/schemas`: writes `vectors/<extractor>.avsc` from each `vectors/<extractor>.json`. */
import { writeFileSync } from 'node:fs';
import { schemaText } from '../current-schemas.ts';
import { releasedContracts, schemaFolder } from '../schema-files.ts';
import { vectorSchema } from '../vector-contract.ts';

for (const contract of releasedContracts()) {
  const path = `vectors/${contract.extractor}.avsc`;
  writeFileSync(`${schemaFolder}${path}`, schemaText(vectorSchema(contract)));
  process.stdout.write(`schemas/${path}\n`);
}
