/** The blob store of claim checks: bytes that are too large for a message, stored under their SHA-256. */
export interface StoredBlob {
  /** Reference for `get`, e.g. `file:///var/lib/headwater/blobs/images/3f/3f…` or `s3://bucket/images/3f/3f…`. */
  readonly uri: string;
  readonly byteLength: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export interface PutOptions {
  /** True for blobs that never expire by age (parameters of heads). */
  readonly keep?: boolean;
  /** Id of the image of these bytes. No other image shares the blob, so that erasing the image can delete it. */
  readonly owner?: string;
  /** Path below `snapshots/`, e.g. `group/3/part-7`: the blob is found by `list`, and stays until it is deleted. */
  readonly name?: string;
}

export interface SweepOptions {
  /** Milliseconds since the last put. */
  readonly olderThan: number;
  /** Only counts. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

export interface SweepReport {
  /** Blobs that may expire, including deleted ones. */
  readonly seen: number;
  readonly deleted: number;
  /** Bytes of deleted blobs. */
  readonly bytes: number;
}

export interface NamedBlob extends StoredBlob {
  /** As given to `put`. */
  readonly name: string;
}

export interface BlobStore {
  readonly kind: 'folder' | 's3';
  /**
   * Creates the store before the first write; absent where the operator creates it. A store that does not exist counts
   * as unavailable, so that operations on it are retried. Errors: blob-store-unavailable.
   */
  prepare?(): Promise<void>;
  /** Idempotent: equal bytes have equal URIs. Errors: blob-store-unavailable. */
  put(bytes: Uint8Array, options?: PutOptions): Promise<StoredBlob>;
  /** Verifies size and SHA-256. Errors: blob-missing, blob-corrupt, blob-forbidden, limit-exceeded, blob-store-unavailable. */
  get(blob: StoredBlob, signal?: AbortSignal): Promise<Buffer>;
  /** A missing blob is no error. Errors: blob-forbidden, blob-store-unavailable. */
  delete(uri: string): Promise<void>;
  /**
   * Deletes the blobs of this owner; with `before`, those whose last put was before then (milliseconds since the epoch,
   * by the store's clock). Errors: blob-store-unavailable.
   */
  deleteOwned(owner: string, before?: number): Promise<void>;
  /**
   * Blobs that were put with a name that begins with `prefix`; absent where a store cannot. Lazy, since the list may not
   * fit into memory. Errors: blob-store-unavailable.
   */
  list?(prefix: string): AsyncIterable<NamedBlob>;
  /** Deletes expired blobs that are not kept; absent where a store cannot. Errors: blob-store-unavailable. */
  sweep?(options: SweepOptions): Promise<SweepReport>;
}
