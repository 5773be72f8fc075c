/** Image to vector: engines, nets and the extractor table. No Kafka here. */
export type * from './api.ts';
