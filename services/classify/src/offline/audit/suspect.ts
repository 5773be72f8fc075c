/** A record that may lack an output. */
import type { ImageRecord } from './tables/image-records.ts';
import type { VectorWithoutPrediction } from './tables/tables.ts';

/** A record that may owe another one. */
export type Suspect =
  | { readonly of: 'image'; readonly extractor: string; readonly image: ImageRecord }
  | { readonly of: 'prediction'; readonly extractor: string; readonly vector: VectorWithoutPrediction }
  | { readonly of: 'example'; readonly extractor: string; readonly task: string; readonly imageId: string };

/** Owner of the transactional id of an output: a group, and the partition of its input. */
export interface Owner {
  readonly role: 'extract' | 'join';
  readonly extractor: string;
  readonly partition: number;
}
