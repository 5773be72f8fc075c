/**
 * Reads the blobs of images, and decides how long to wait for one that cannot be read. A store that is away is waited for without a
 * bound. A blob that the store does not have, or refuses while it returns others, is a dead letter after BLOB_MISSING_AFTER.
 */

import type { BlobStore, StoredBlob } from '@headwater/blobs';
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import type { LogRecord } from '@headwater/log';

export interface BlobFailure {
  readonly image: string;
  readonly uri: string;
  readonly error: HeadwaterError;
  /** The first time that this blob could not be read. */
  readonly isFirst: boolean;
}

export interface BlobReadsOptions {
  readonly blobs: Pick<BlobStore, 'get'>;
  /** Milliseconds. */
  readonly missingAfterMs: number;
  /** Called for each read that failed, for metrics and logs. */
  readonly failed?: (failure: BlobFailure) => void;
  /** Milliseconds since the epoch; replaced by tests. */
  readonly now?: () => number;
}

/** Which image and record a blob belongs to. */
export interface BlobOwner {
  readonly image: string;
  readonly record: Pick<LogRecord, 'timestamp'>;
}

/** More blobs than can be in flight: what is left behind by partitions that went away is forgotten. */
const mostRemembered = 4_096;

export class BlobReads {
  readonly #options: BlobReadsOptions;
  readonly #now: () => number;
  /** When each blob could not be read for the first time, by uri. */
  readonly #failing = new Map<string, number>();
  #answeredAt = Number.NEGATIVE_INFINITY;

  constructor(options: BlobReadsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Errors: those of `BlobStore.get`; blob-missing and blob-forbidden have the verdict to retry while they are waited for. */
  async get(blob: StoredBlob, owner: BlobOwner, signal?: AbortSignal): Promise<Buffer> {
    try {
      const bytes = await this.#options.blobs.get(blob, signal);
      this.#answeredAt = this.#now();
      this.#failing.delete(blob.uri);
      return bytes;
    } catch (thrown) {
      if (signal?.aborted) throw thrown;
      throw this.#judge(asHeadwaterError(thrown), blob.uri, owner);
    }
  }

  #judge(error: HeadwaterError, uri: string, { image, record }: BlobOwner): HeadwaterError {
    const isFirst = !this.#failing.has(uri);
    const since = this.#failing.get(uri) ?? this.#now();
    this.#remember(uri, since);
    this.#options.failed?.({ image, uri, error, isFirst });
    const judged = this.#isFinal(error, since, record.timestamp) ? asFinal(error) : asPassing(error);
    if (judged.verdict !== 'retry') this.#failing.delete(uri);
    return judged;
  }

  /** The blob was put before its record was written: the age of the record counts, so that a backlog is not held up. */
  #isFinal(error: HeadwaterError, since: number, recordedAt: number): boolean {
    const { missingAfterMs } = this.#options;
    const now = this.#now();
    if (error.code === 'blob-missing') return now - Math.min(since, recordedAt) >= missingAfterMs;
    if (isRefused(error)) return now - since >= missingAfterMs && this.#answeredAt >= since;
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
  const message = `the blob store refuses this blob and returns others: ${error.message}`;
  return new HeadwaterError('blob-forbidden', message, { cause: error, context: error.context });
}

function asPassing(error: HeadwaterError): HeadwaterError {
  if (error.verdict === 'retry') return error;
  const { code, message, context, cause } = error;
  return new HeadwaterError(code, message, { verdict: 'retry', context, cause });
}
