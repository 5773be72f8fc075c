/** A logger that discards its input, for the memory log and for tests. */
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
    isLevelEnabled: () => false,
    child: () => logger,
  };
  return logger;
}
