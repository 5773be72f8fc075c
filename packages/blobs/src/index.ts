/** The blob store of claim checks: large images in a folder or on S3. */
export { type Place, withReadOnlySources } from './allowed-places.ts';
export type { BlobStore, NamedBlob, StoredBlob, SweepOptions } from './api.ts';
export { sha256Of } from './blob-path.ts';
export { withBounds } from './deadline.ts';
export { createFolderBlobStore } from './folder/folder-store.ts';
export { createS3BlobStore } from './s3/s3-store.ts';
export { keyWithin, parseS3Place } from './s3/s3-uri.ts';
