/**
 * Reads a body into memory under three limits: its size, the bytes of all requests together, and time. A body with
 * a Content-Length is rejected before it is read, a chunked one while it is read.
 */
import type { Readable } from 'node:stream';
import { HeadwaterError } from '@headwater/errors';
import type { Reservation } from './budget.ts';

export interface BodyLimits {
  /** Throws where a body of that many bytes is too long. */
  readonly checkLength: (bytes: number) => void;
  readonly timeoutMs: number;
}

/** The Content-Length; undefined for chunked bodies. */
export function declaredLength(headers: {
  readonly 'content-length'?: string | undefined;
}): number | undefined {
  const length = Number(headers['content-length']);
  return headers['content-length'] !== undefined && Number.isSafeInteger(length) ? length : undefined;
}

/**
 * `reservation` must already hold the declared length, where there is one; it grows with chunked bodies.
 * Errors: those of `checkLength`, overloaded, timed-out, request-invalid when the client disconnects.
 */
export function readBody(
  stream: Readable | undefined,
  declared: number | undefined,
  reservation: Reservation,
  { checkLength, timeoutMs }: BodyLimits,
): Promise<Buffer> {
  if (!stream) return Promise.resolve(Buffer.alloc(0));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const timer = setTimeout(() => finish(tooSlow(timeoutMs)), timeoutMs);

    const onData = (chunk: Buffer) => {
      length += chunk.length;
      try {
        if (declared === undefined) reservation.grow(chunk.length);
        checkLength(length);
        chunks.push(chunk);
      } catch (error) {
        finish(error);
      }
    };
    const onEnd = () => finish(undefined);
    const onClose = () => finish(goneAway());

    function finish(error: unknown): void {
      clearTimeout(timer);
      stream?.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
      if (error === undefined) {
        resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
        return;
      }
      // The rest of the body is discarded so that the client reads the response; late errors are ignored.
      stream?.on('error', () => {}).resume();
      reject(error);
    }
    stream.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}

function tooSlow(timeoutMs: number): HeadwaterError {
  return new HeadwaterError('timed-out', 'the body did not arrive in time', { context: { timeoutMs } });
}

function goneAway(): HeadwaterError {
  return new HeadwaterError('request-invalid', 'the body was cut short');
}
