/** Log lines of the services, made readable and put above the progress bar instead of into it. */
import { createLogger, type Environment, type Logger, type LogLevel, logLevels } from '@headwater/stream';
import { prettyFactory } from 'pino-pretty';

/** LOG_LEVEL (default `warn`) and LOG_FORMAT (default for people) as for the services. */
export function createConsoleLogger(environment: Environment, say: (line: string) => void): Logger {
  const wanted = environment.LOG_LEVEL as LogLevel;
  const level = logLevels.includes(wanted) ? wanted : 'warn';
  const prettify = prettyFactory({ colorize: process.stderr.isTTY === true, ignore: 'pid,hostname,name' });
  const show = environment.LOG_FORMAT === 'json' ? (line: string) => line : prettify;
  return createLogger({
    name: 'headwater',
    level,
    destination: { write: (line) => say(show(line).trimEnd()) },
  });
}
