/**
 * Which places references may point to: our own store, and those that the operator has named besides. A reference
 * comes out of a record that anybody with a right to write to `images` has made; whatever it names else is refused.
 */
import type { BlobStore } from './api.ts';
import { forbidden } from './verified-bytes.ts';

export interface Place {
  /** True for references that this place answers for. */
  readonly holds: (uri: string) => boolean;
  readonly store: BlobStore;
}

/** Writes to `own` alone, and never deletes elsewhere. Errors of `get`: blob-forbidden, and those of the stores. */
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
