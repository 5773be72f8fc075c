/**
 * Components of a process start in order and stop in reverse, each within its own time limit. When a start or a stop
 * hangs, the error names the component, and the others are still stopped.
 */
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import type { Logger } from '@headwater/log';

interface PartOptions<T> {
  readonly name: string;
  open(): Promise<T> | T;
  close?(part: T): Promise<void> | void;
  /** Time limit of `open`, default 60. */
  readonly openSeconds?: number;
  /** When `open` last reported progress, in milliseconds since the epoch: the time limit counts from then. */
  progressedAt?(): number;
  /** Time limit of `close`, default 5. */
  readonly closeSeconds?: number;
}

export interface Lifecycle {
  /** Errors: those of `open`; timed-out with the verdict to stop; unexpected while the process stops. */
  open<T>(options: PartOptions<T>): Promise<T>;
  /**
   * Stops all started components in reverse. Rejects after all attempts with the first failure, or with timed-out
   * where there is no other failure. Idempotent.
   */
  close(): Promise<void>;
}

interface OpenPart {
  readonly name: string;
  readonly seconds: number;
  close(): Promise<void> | void;
}

/** Interval of log lines about a component that is not started yet. */
const reminderMs = 15_000;

export function createLifecycle(logger: Logger): Lifecycle {
  const parts: OpenPart[] = [];
  let closing: Promise<void> | undefined;

  async function open<T>({
    name,
    open,
    close,
    openSeconds = 60,
    closeSeconds = 5,
    progressedAt,
  }: PartOptions<T>): Promise<T> {
    if (closing !== undefined)
      throw new HeadwaterError('unexpected', `${name}: cannot open while the process stops`);
    const opening = (async () => open())();
    let isLate = false;
    // Closes a component that opened after its time limit.
    opening
      .then((part) => (isLate || closing !== undefined ? close?.(part) : undefined))
      .catch(() => undefined);
    const patience = setInterval(() => logger.warn({ part: name }, 'component still starting'), reminderMs);
    try {
      const part = await within(openSeconds, opening, `starting ${name}`, progressedAt);
      if (closing === undefined) parts.push({ name, seconds: closeSeconds, close: () => close?.(part) });
      return part;
    } catch (error) {
      isLate = true;
      throw error;
    } finally {
      clearInterval(patience);
    }
  }

  async function closeAll(): Promise<void> {
    let failure: HeadwaterError | undefined;
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
      const { name, seconds, close } = part;
      try {
        await within(seconds, (async () => close())(), `stopping ${name}`);
      } catch (error) {
        const found = asHeadwaterError(error);
        failure = worseOf(failure, found);
        if (found.code === 'timed-out')
          logger.warn({ part: name, seconds }, 'component did not stop in time');
        else logger.error({ part: name, error }, 'component failed to stop');
      }
    }
    if (failure !== undefined) throw failure;
  }

  return {
    open,
    close: () => {
      closing ??= closeAll();
      return closing;
    },
  };
}

/** Other errors take precedence over a timeout, whose component may only be waiting for another system. */
function worseOf(first: HeadwaterError | undefined, second: HeadwaterError): HeadwaterError {
  return first === undefined || (first.code === 'timed-out' && second.code !== 'timed-out') ? second : first;
}

async function within<T>(
  seconds: number,
  work: Promise<T>,
  what: string,
  progressedAt: () => number = () => 0,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limitMs = seconds * 1_000;
  const late = new Promise<never>((_, reject) => {
    const check = () => {
      const leftMs = progressedAt() + limitMs - Date.now();
      if (leftMs > 0) {
        timer = setTimeout(check, Math.min(leftMs, limitMs));
        return;
      }
      const how = progressedAt() === 0 ? `took more than ${seconds} s` : `made no progress for ${seconds} s`;
      reject(new HeadwaterError('timed-out', `${what} ${how}`, { verdict: 'stop' }));
    };
    timer = setTimeout(check, limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
