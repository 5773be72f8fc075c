/** What the probes answer: alive unless something has failed for good, ready when every part says so. */

export interface Health {
  /** Adds a part that must be ready; returns the setter of its state. */
  part(name: string): (ready: boolean, reason?: string) => void;
  /** Marks the process as beyond help: `/livez` answers 503 from now on. */
  fail(reason: string): void;
  readonly ready: boolean;
  readonly alive: boolean;
  /** Part to `ok` or to the reason why not. */
  report(): Readonly<Record<string, string>>;
}

/** A part is not ready until it says so; without parts there is nothing to wait for. */
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
