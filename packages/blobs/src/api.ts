/** The claim check: bytes that a message may not carry live here, under their SHA-256. */

export interface StoredBlob {
  /** What readers pass to `get`, e.g. `file:///var/lib/headwater/blobs/images/3f/3f…` or `s3://bucket/images/3f/3f…`. */
  readonly uri: string;
  readonly byteLength: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export interface PutOptions {
  /** True for what lives as long as something refers to it (parameters of heads): it never expires by age. */
  readonly keep?: boolean;
  /** The id of the image whose bytes these are: no other image shares them, so that they can go when it is erased. */
  readonly owner?: string;
}

export interface SweepOptions {
  /** Milliseconds since it was put last. */
  readonly olderThan: number;
  /** Counts, and deletes nothing. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

export interface SweepReport {
  /** Blobs that may expire, those that were deleted included. */
  readonly seen: number;
  readonly deleted: number;
  /** Of those that were deleted. */
  readonly bytes: number;
}

export interface BlobStore {
  readonly kind: 'folder' | 's3';
  /**
   * Makes an empty store where there is none, for whoever writes first; left out where that is not ours to do. A store that was not
   * made is away: what is asked of it is asked again. Errors: blob-store-unavailable.
   */
  prepare?(): Promise<void>;
  /** Idempotent: the same bytes have the same uri. Errors: blob-store-unavailable. */
  put(bytes: Uint8Array, options?: PutOptions): Promise<StoredBlob>;
  /** Verifies size and SHA-256. Errors: blob-missing, blob-corrupt, blob-forbidden, limit-exceeded, blob-store-unavailable. */
  get(blob: StoredBlob, signal?: AbortSignal): Promise<Buffer>;
  /** Absent is fine. Errors: blob-forbidden, blob-store-unavailable. */
  delete(uri: string): Promise<void>;
  /**
   * Deletes what was put for this owner; with `before`, what was put last before then (milliseconds since the epoch, by the store's
   * clock). Errors: blob-store-unavailable.
   */
  deleteOwned(owner: string, before?: number): Promise<void>;
  /** Deletes what was put long ago and is not kept; left out where a store cannot. Errors: blob-store-unavailable. */
  sweep?(options: SweepOptions): Promise<SweepReport>;
}
