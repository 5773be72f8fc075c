/** State of the probes: alive until a permanent failure, ready when all components are ready. */
export interface Health {
  /** Adds a component that must be ready; returns the setter of its state. */
  part(name: string): (ready: boolean, reason?: string) => void;
  /** Reports that a long start, e.g. the rebuild of a store, goes on: its time limit counts from here. */
  progressed(): void;
  /** Milliseconds since the epoch of the last progress; 0 before the first. */
  readonly progressedAt: number;
  /** Marks the process as failed permanently: `/livez` returns 503 from now on. */
  fail(reason: string): void;
  readonly ready: boolean;
  readonly alive: boolean;
  /** By component: `ok`, or the reason why it is not ready. */
  report(): Readonly<Record<string, string>>;
}

/** A component starts as not ready; without components, the process is ready. */
export function createHealth(): Health {
  const parts = new Map<string, string>();
  let failure: string | undefined;
  let progressedAt = 0;
  return {
    part(name) {
      parts.set(name, 'starting');
      return (ready, reason) => parts.set(name, ready ? 'ok' : (reason ?? 'not ready'));
    },
    progressed() {
      progressedAt = Date.now();
    },
    get progressedAt() {
      return progressedAt;
    },
    fail(reason) {
      failure ??= reason;
    },
    get ready() {
      return failure === undefined && [...parts.values()].every((state) => state === 'ok');
    },
    get alive() {
      return failure === undefined;
    },
    report() {
      const states = Object.fromEntries(parts);
      return failure === undefined ? states : { ...states, process: failure };
    },
  };
}
