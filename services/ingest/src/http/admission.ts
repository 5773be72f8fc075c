/** Admission control: limits on requests, bytes and waits, and a circuit breaker on the log. Beyond them 503 at once. */
import { type Budget, createBudget } from './budget.ts';
import { WriteCircuitBreaker, type WriteCircuitBreakerOptions } from './write-circuit-breaker.ts';

export interface Admission {
  /** Image and label requests in progress. */
  readonly requests: Budget;
  /** Bytes of bodies in memory. */
  readonly bytes: Budget;
  /** Accepted requests that wait for their prediction. */
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

/** Holds a permit of the requests while `work` runs. Errors: overloaded, log-not-writable. */
export async function withPermit<T>(admission: Admission, work: () => Promise<T>): Promise<T> {
  const permit = admission.requests.reserve(1);
  try {
    return await admission.circuit.run(work);
  } finally {
    permit.release();
  }
}
