/** Image to vector: engines, nets and the extractor table. No Kafka here. */
export type * from './api.ts';
export { openExtractor } from './extractor.ts';
export { describeExtractor, extractorIds } from './extractors/table.ts';
export { Gate } from './gate.ts';
