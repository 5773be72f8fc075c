/**
 * Reads the blobs of images, and decides how long to retry. An unavailable store is retried without a limit. A blob
 * that is missing, or forbidden while others are readable, is a dead letter after BLOB_MISSING_AFTER.
 */
import type { BlobStore, StoredBlob } from '@headwater/blobs';
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import type { LogRecord } from '@headwater/log';

export interface BlobFailure {
  readonly image: string;
  readonly uri: string;
  readonly error: HeadwaterError;
  /** Whether this is the first failure of this blob. */
  readonly isFirst: boolean;
}

export interface BlobReadsOptions {
  readonly blobs: Pick<BlobStore, 'get'>;
  /** Milliseconds. */
  readonly missingAfterMs: number;
  /** Called for each failed read, for metrics and logs. */
  readonly failed?: (failure: BlobFailure) => void;
  /** Milliseconds since the epoch; replaced by tests. */
  readonly now?: () => number;
}

/** The image and record that a blob belongs to. */
export interface BlobOwner {
  readonly image: string;
  readonly record: Pick<LogRecord, 'timestamp'>;
}

/** More blobs than can be in flight: entries of revoked partitions are evicted. */
const mostRemembered = 4_096;

export class BlobReads {
  readonly #options: BlobReadsOptions;
  readonly #now: () => number;
  /** Time of the first failure of each blob, by uri. */
  readonly #failing = new Map<string, number>();
  #succeededAt = Number.NEGATIVE_INFINITY;

  constructor(options: BlobReadsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Errors: those of `BlobStore.get`; blob-missing and blob-forbidden have the verdict retry until they are final. */
  async get(blob: StoredBlob, owner: BlobOwner, signal?: AbortSignal): Promise<Buffer> {
    try {
      const bytes = await this.#options.blobs.get(blob, signal);
      this.#succeededAt = this.#now();
      this.#failing.delete(blob.uri);
      return bytes;
    } catch (thrown) {
      if (signal?.aborted) throw thrown;
      throw this.#classify(asHeadwaterError(thrown), blob.uri, owner);
    }
  }

  #classify(error: HeadwaterError, uri: string, { image, record }: BlobOwner): HeadwaterError {
    const isFirst = !this.#failing.has(uri);
    const since = this.#failing.get(uri) ?? this.#now();
    this.#remember(uri, since);
    this.#options.failed?.({ image, uri, error, isFirst });
    const classified = this.#isFinal(error, since, record.timestamp) ? asFinal(error) : asTransient(error);
    if (classified.verdict !== 'retry') this.#failing.delete(uri);
    return classified;
  }

  /** A blob is stored before its record: the age of the record counts, so that a missing blob does not delay a backlog. */
  #isFinal(error: HeadwaterError, since: number, recordedAt: number): boolean {
    const { missingAfterMs } = this.#options;
    const now = this.#now();
    if (error.code === 'blob-missing') return now - Math.min(since, recordedAt) >= missingAfterMs;
    if (isRefused(error)) return now - since >= missingAfterMs && this.#succeededAt >= since;
    return error.verdict !== 'retry';
  }

  #remember(uri: string, since: number): void {
    if (this.#failing.size >= mostRemembered) {
      for (const oldest of this.#failing.keys()) {
        this.#failing.delete(oldest);
        break;
      }
    }
    this.#failing.set(uri, since);
  }
}

const isRefused = ({ context }: HeadwaterError) => context.refused === true;

function asFinal(error: HeadwaterError): HeadwaterError {
  if (!isRefused(error)) return error;
  const message = `the blob store forbids this blob and allows others: ${error.message}`;
  return new HeadwaterError('blob-forbidden', message, { cause: error, context: error.context });
}

function asTransient(error: HeadwaterError): HeadwaterError {
  if (error.verdict === 'retry') return error;
  const { code, message, context, cause } = error;
  return new HeadwaterError(code, message, { verdict: 'retry', context, cause });
}
