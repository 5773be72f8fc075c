/** Who may come in: bounded requests, bounded bytes, bounded waits, and a log that takes records. Else 503 at once. */
import { type Budget, createBudget } from './budget.ts';
import { WriteCircuitBreaker, type WriteCircuitBreakerOptions } from './write-circuit-breaker.ts';

export interface Admission {
  /** Image and label requests that are being taken in. */
  readonly requests: Budget;
  /** Bytes of bodies in memory. */
  readonly bytes: Budget;
  /** Requests that are taken in and wait for their prediction. */
  readonly waits: Budget;
  readonly circuit: WriteCircuitBreaker;
}

export interface AdmissionLimits extends WriteCircuitBreakerOptions {
  readonly maxRequests: number;
  readonly maxBytes: number;
  readonly maxWaits: number;
}

export function createAdmission({ maxRequests, maxBytes, maxWaits, ...circuit }: AdmissionLimits): Admission {
  return {
    requests: createBudget(maxRequests, 'requests'),
    bytes: createBudget(maxBytes, 'bytes'),
    waits: createBudget(maxWaits, 'waiting requests'),
    circuit: new WriteCircuitBreaker(circuit),
  };
}

/** Runs while a place among the requests is held. Errors: overloaded, log-not-writable. */
export async function withPermit<T>(admission: Admission, work: () => Promise<T>): Promise<T> {
  const place = admission.requests.reserve(1);
  try {
    return await admission.circuit.run(work);
  } finally {
    place.release();
  }
}
