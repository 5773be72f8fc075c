/**
 * Parts of a process start one after the other and stop in reverse, each within a time of its own: where a start or
 * a stop hangs, the error names the part, and the others are still stopped.
 */
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import type { Logger } from '@headwater/log';

export interface PartOptions<T> {
  readonly name: string;
  open(): Promise<T> | T;
  close?(part: T): Promise<void> | void;
  /** Default 60. */
  readonly openSeconds?: number;
  /** Default 5. */
  readonly closeSeconds?: number;
}

export interface Lifecycle {
  /** Errors: what `open` throws; timed-out with the verdict to stop; overloaded when it is closing already. */
  open<T>(options: PartOptions<T>): Promise<T>;
  /**
   * Stops what was started, the last one first. Rejects after all were tried: with the first failure, or with timed-out where
   * nothing else failed. Idempotent.
   */
  close(): Promise<void>;
}

interface OpenPart {
  readonly name: string;
  readonly seconds: number;
  close(): Promise<void> | void;
}

/** Whoever looks at the log of a process that does not become ready should see why. */
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
  }: PartOptions<T>): Promise<T> {
    if (closing !== undefined)
      throw new HeadwaterError('unexpected', `${name} is opened while the process stops`);
    const opening = (async () => open())();
    let isLate = false;
    // Opened after nobody waits for it any more: closed again, so that nothing is left behind.
    opening
      .then((part) => (isLate || closing !== undefined ? close?.(part) : undefined))
      .catch(() => undefined);
    const patience = setInterval(() => logger.warn({ part: name }, 'a part is still starting'), reminderMs);
    try {
      const part = await within(openSeconds, opening, `starting ${name}`);
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
        if (found.code === 'timed-out') logger.warn({ part: name, seconds }, 'a part did not stop in time');
        else logger.error({ part: name, error }, 'a part failed to stop');
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

/** A part that is late may only be waiting for another system. */
function worseOf(first: HeadwaterError | undefined, second: HeadwaterError): HeadwaterError {
  return first === undefined || (first.code === 'timed-out' && second.code !== 'timed-out') ? second : first;
}

async function within<T>(seconds: number, work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new HeadwaterError('timed-out', `${what} took more than ${seconds} s`, { verdict: 'stop' }));
    }, seconds * 1_000);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
