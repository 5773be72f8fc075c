/**
 * Says whether the log takes records. A process that is not ready gets no requests, so after a failure nothing
 * would ever show that the log is back: until then it is asked a small question now and then.
 */
const ASK_EVERY_MS = 1_000;

export interface LogHealth {
  worked(): void;
  /** `reason` is shown by the probe. */
  failed(reason: string): void;
}

export function watchLog(
  setReady: (ready: boolean, reason?: string) => void,
  ask: () => Promise<unknown>,
  everyMs = ASK_EVERY_MS,
): LogHealth {
  let timer: NodeJS.Timeout | undefined;
  setReady(true);

  const worked = () => {
    clearTimeout(timer);
    timer = undefined;
    setReady(true);
  };
  const askLater = () => {
    timer = setTimeout(() => {
      ask().then(worked, askLater);
    }, everyMs).unref();
  };
  return {
    worked,
    failed(reason) {
      setReady(false, reason);
      if (timer === undefined) askLater();
    },
  };
}
