/** The only package that knows Avro: records, schemas, vector contracts, codec and schema ids. */
export type * from './api.ts';
export { incompatibilities } from './compatibility.ts';
export { compositeKey, parseCompositeKey } from './composite-key.ts';
export {
  type ContainerHeader,
  readContainerFile,
  readContainerHeader,
  writeContainerFile,
} from './container-file.ts';
export { createFingerprintIds, fingerprintId, isDerivedId } from './fingerprint-ids.ts';
export {
  imageIdFault,
  imageIdOfKey,
  imageIdParameter,
  imageIdRule,
  imageIdSchema,
  longestImageId,
} from './image-id.ts';
export {
  classOfLabel,
  labelFault,
  labelRule,
  labelSchema,
  longestName,
  readLabel,
  readTask,
  taskFault,
  taskRule,
  taskSchema,
} from './label-rules.ts';
export { openCodec, type Records } from './record-codec.ts';
export type * from './records.ts';
export { createRegistryIds, type RegistryOptions } from './registry-ids.ts';
export { schemaForId } from './schema-document.ts';
export { type RecordName, recordSchema, releasedContracts } from './schema-files.ts';
export { earliestTime, latestTime, timeFault, timeRule } from './time-rules.ts';
export { openVectorCodec, openVectorReader, type VectorReader } from './vector-codec.ts';
export { contractOf, maximumDimensions, vectorSchema } from './vector-contract.ts';
