/** A logger for parts that have nobody to tell: the log in memory, and tests. */
import type { Logger } from './logger.ts';

export function createSilentLogger(): Logger {
  const ignore = () => undefined;
  const logger: Logger = {
    trace: ignore,
    debug: ignore,
    info: ignore,
    warn: ignore,
    error: ignore,
    fatal: ignore,
    child: () => logger,
  };
  return logger;
}
