/** Repeats what fails for reasons that pass by themselves: leaders moving, coordinators loading, brokers away. */
import { backoffMs, never, pauseFor } from '../../backoff.ts';
import { asLogError } from './failures.ts';

const attempts = 8;

/** `doing` says in an error what failed. `passing` says of a failure whether it may pass. */
export async function attempt<T>(
  doing: string,
  work: () => Promise<T>,
  passing: (thrown: unknown) => boolean = (thrown) => asLogError(thrown, doing).verdict === 'retry',
): Promise<T> {
  for (let failures = 0; ; failures += 1) {
    try {
      return await work();
    } catch (thrown) {
      if (failures >= attempts || !passing(thrown)) throw asLogError(thrown, doing);
      await pauseFor(backoffMs(failures), never);
    }
  }
}
