/** State of the probes: alive until a permanent failure, ready when all components are ready. */
export interface Health {
  /** Adds a component that must be ready; returns the setter of its state. */
  part(name: string): (ready: boolean, reason?: string) => void;
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
  return {
    part(name) {
      parts.set(name, 'starting');
      return (ready, reason) => parts.set(name, ready ? 'ok' : (reason ?? 'not ready'));
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
