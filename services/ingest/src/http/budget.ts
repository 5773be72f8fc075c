/**
 * A limit on an amount in flight. Beyond it a request is rejected at once with `overloaded` (503 and Retry-After)
 * instead of waiting in an unbounded queue.
 */
import { HeadwaterError } from '@headwater/errors';

export interface Reservation {
  /** Errors: overloaded; the amount reserved before stays reserved. */
  grow(amount: number): void;
  /** Releases the whole amount. Idempotent. */
  release(): void;
}

export interface Budget {
  readonly used: number;
  /** Errors: overloaded. */
  reserve(amount: number): Reservation;
}

/** `noun` names the counted things in errors. */
export function createBudget(limit: number, noun: string): Budget {
  let used = 0;
  const take = (amount: number) => {
    if (used + amount > limit) {
      throw new HeadwaterError('overloaded', `too many ${noun} are in flight; try again later`, {
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
