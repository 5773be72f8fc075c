/** The one error of a Kafka that cannot be had: its message says which step failed, and how. */
import { HeadwaterError } from '@headwater/errors';

export function failed(message: string, cause?: unknown): HeadwaterError {
  return new HeadwaterError('local-kafka-failed', message, { cause });
}
