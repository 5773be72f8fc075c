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
