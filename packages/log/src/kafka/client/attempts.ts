/** Retries operations after transient failures: moving leaders, loading coordinators, unreachable brokers. */
import { backoffMs, never, pauseFor } from '../../backoff.ts';
import { asLogError } from './failures.ts';

const attempts = 8;

/** `operation` names the operation in errors; `isTransient` decides whether a failure is retried. */
export async function withRetries<T>(
  operation: string,
  work: () => Promise<T>,
  isTransient: (thrown: unknown) => boolean = (thrown) => asLogError(thrown, operation).verdict === 'retry',
): Promise<T> {
  for (let failures = 0; ; failures += 1) {
    try {
      return await work();
    } catch (thrown) {
      if (failures >= attempts || !isTransient(thrown)) throw asLogError(thrown, operation);
      await pauseFor(backoffMs(failures), never);
    }
  }
}
