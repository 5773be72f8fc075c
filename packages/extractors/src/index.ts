/** Image to vector: engines, nets and the extractor table. No Kafka here. */
export type * from './api.ts';
export { describeExtractor, extractorIds } from './extractors/table.ts';
export { Gate } from './gate.ts';
export { describeNetFile, isNetFile, openExtractor } from './open-extractor.ts';
export type { SourceRecord } from './stages/api.ts';
