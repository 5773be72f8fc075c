/** Log lines of the services, made readable and put above the progress bar instead of into it. */
import type { Logger } from '@headwater/log';
import { createLogger, type Environment, type LogLevel, logLevels, readSecret } from '@headwater/service-kit';
import { prettyFactory } from 'pino-pretty';

/** LOG_LEVEL (default `error`: what is retried and goes well is no news here) and LOG_FORMAT (default for people) as for the services. */
export function createConsoleLogger(environment: Environment, say: (line: string) => void): Logger {
  const wanted = environment.LOG_LEVEL as LogLevel;
  const level = logLevels.includes(wanted) ? wanted : 'error';
  const prettify = prettyFactory({ colorize: process.stderr.isTTY === true, ignore: 'pid,hostname,name' });
  const show = environment.LOG_FORMAT === 'json' ? (line: string) => line : prettify;
  return createLogger({
    name: 'headwater',
    level,
    ...(environment.LOG_IMAGE_IDS === 'hashed' && {
      imageIds: 'hashed',
      imageIdsKey: readSecret(environment, 'LOG_IMAGE_IDS_KEY'),
    }),
    destination: { write: (line) => say(show(line).trimEnd()) },
  });
}
