/** Image to vector: engines, nets and the extractor table. No Kafka here. */
export type * from './api.ts';
export { isExtractorFile } from './extractor-file.ts';
export { describeExtractor, extractorIds } from './extractors/table.ts';
export { Gate } from './gate.ts';
export { describeNetFile, idOfExtractorFile, openExtractor } from './open-extractor.ts';
export type { SourceRecord } from './stages/api.ts';
