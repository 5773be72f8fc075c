/** Image to vector: engines, nets and the extractor table. No Kafka here. */
export type * from './api.ts';
export { openExtractor } from './extractor.ts';
export { describeExtractor, extractorIds } from './extractors/table.ts';
export { type ImageHeader, inspectImage } from './images/decoder.ts';
export { defaultLimits } from './images/limits.ts';
export { detectMediaType, type MediaType } from './images/media-type.ts';
