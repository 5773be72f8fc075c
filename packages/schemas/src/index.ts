/** Records, Avro schemas, vector contracts, codecs and schema ids; the only package that uses avsc. */
export type * from './api.ts';
export { incompatibilities } from './avro/compatibility.ts';
export { readContainerFile, readContainerHeader, writeContainerFile } from './avro/container-file.ts';
export { openCodec, type Records } from './avro/record-codec.ts';
export { openVectorCodec, openVectorReader, type VectorReader } from './avro/vector-codec.ts';
export { compositeKey, parseCompositeKey } from './identity/composite-key.ts';
export {
  imageIdOfKey,
  imageIdParameter,
  imageIdProblem,
  imageIdRule,
  imageIdSchema,
} from './identity/image-id.ts';
export {
  classOfLabel,
  labelProblem,
  labelRule,
  labelSchema,
  longestName,
  readLabel,
  readTask,
  taskProblem,
  taskRule,
  taskSchema,
} from './identity/label-rules.ts';
export { earliestTime, timeProblem, timeRule } from './identity/time-rules.ts';
export type * from './records.ts';
export { recordSchema, releasedContracts } from './schema-files.ts';
export { createFingerprintIds } from './schema-ids/fingerprint-ids.ts';
export { createRegistryIds } from './schema-ids/registry-ids.ts';
export { schemaForId } from './schema-ids/schema-document.ts';
export { contractOf, maximumDimensions, vectorSchema } from './vector-contract.ts';
