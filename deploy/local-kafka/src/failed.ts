/** The error of a local Kafka; the message names the failed step and the reason. */
import { HeadwaterError } from '@headwater/errors';

export function failed(message: string, cause?: unknown): HeadwaterError {
  return new HeadwaterError('local-kafka-failed', message, { cause });
}
