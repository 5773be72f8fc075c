/** The claim check: bytes that a message may not carry live here, under their SHA-256. */

export interface StoredBlob {
  /** What readers pass to `get`, e.g. `file:///var/lib/headwater/blobs/3f/3f…`. */
  readonly uri: string;
  readonly byteLength: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export interface BlobStore {
  readonly kind: 'folder' | 's3';
  /** Idempotent: the same bytes have the same uri. Errors: blob-store-unavailable. */
  put(bytes: Uint8Array): Promise<StoredBlob>;
  /** Verifies size and SHA-256. Errors: blob-missing, blob-corrupt, blob-forbidden, blob-store-unavailable. */
  get(blob: StoredBlob, signal?: AbortSignal): Promise<Buffer>;
  /** Where bytes with this SHA-256 (lower-case hex) lie if they are stored; left out where a store cannot tell. */
  uriOf?(sha256: string): string;
  /** Absent is fine. */
  delete(uri: string): Promise<void>;
}
