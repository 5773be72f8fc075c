/**
 * Allowed places of references: the own store, and read-only sources that the operator names. Any producer of `images`
 * can write a reference, so every other place is rejected.
 */
import type { BlobStore } from './api.ts';
import { forbidden } from './verified-bytes.ts';

export interface Place {
  /** True for references into this place. */
  readonly holds: (uri: string) => boolean;
  readonly store: BlobStore;
}

/** Writes and deletes only in `own`. Errors of `get`: blob-forbidden, and those of the stores. */
export function withReadOnlySources(own: Place, others: readonly Place[]): BlobStore {
  if (others.length === 0) return own.store;
  const places = [own, ...others];
  return {
    ...own.store,
    get: async (blob, signal) => {
      const place = places.find(({ holds }) => holds(blob.uri));
      if (place === undefined) throw forbidden();
      return place.store.get(blob, signal);
    },
  };
}
