/**
 * A limit on what may be in flight at once. Past it, a request is refused at once with `overloaded` (503 and
 * Retry-After) instead of waiting in a queue without end.
 */
import { HeadwaterError } from '@headwater/errors';

export interface Reservation {
  /** Errors: overloaded; what was reserved before stays reserved. */
  grow(amount: number): void;
  /** Gives all of it back. Idempotent. */
  release(): void;
}

export interface Budget {
  readonly used: number;
  /** Errors: overloaded. */
  reserve(amount: number): Reservation;
}

/** `noun` names what is counted, for the error. */
export function createBudget(limit: number, noun: string): Budget {
  let used = 0;
  const take = (amount: number) => {
    if (used + amount > limit) {
      throw new HeadwaterError('overloaded', `too many ${noun} are in flight; try again after a while`, {
        context: { limit },
      });
    }
    used += amount;
  };
  return {
    get used() {
      return used;
    },
    reserve(amount) {
      take(amount);
      let held = amount;
      return {
        grow(more) {
          take(more);
          held += more;
        },
        release() {
          used -= held;
          held = 0;
        },
      };
    },
  };
}
