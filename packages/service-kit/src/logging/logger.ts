/**
 * Structured logs on standard error: constant messages and fields, never a payload, never a secret. The only
 * file that knows pino.
 */
import { createRequire } from 'node:module';
import type { Logger } from '@headwater/log';
import { pino } from 'pino';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Where lines go. */
export interface LogDestination {
  write(line: string): void;
}

export interface LoggerOptions {
  /** The service; every line carries it. */
  readonly name: string;
  /** Default `info`. */
  readonly level?: LogLevel;
  /** One JSON object a line (the default), or lines for people. */
  readonly format?: 'json' | 'pretty';
  /** Default: standard error, written at once, so that the last words before an exit are not lost. */
  readonly destination?: LogDestination;
}

const secretNames = ['password', 'authorization', 'secret', 'token', 'cookie', 'sasl', 'credentials'];

export function createLogger(options: LoggerOptions): Logger {
  return pino(
    {
      name: options.name,
      level: options.level ?? 'info',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: withoutBytes },
      serializers: { err: describeError, error: describeError, cause: describeError },
      redact: {
        paths: secretNames.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
        censor: '[redacted]',
      },
    },
    options.destination ?? defaultDestination(options.format ?? 'json'),
  );
}

function defaultDestination(format: 'json' | 'pretty') {
  if (format === 'json') return pino.destination({ fd: 2, sync: true });
  const { build } = createRequire(import.meta.url)('pino-pretty') as typeof import('pino-pretty');
  return build({ destination: 2, sync: true, colorize: process.stderr.isTTY, ignore: 'pid,hostname' });
}

/** A payload that slips into the fields becomes its length: images and vectors have no place in a log. */
function withoutBytes(fields: Record<string, unknown>): Record<string, unknown> {
  if (!Object.values(fields).some(ArrayBuffer.isView)) return fields;
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      ArrayBuffer.isView(value) ? `<${value.byteLength} bytes>` : value,
    ]),
  );
}

const maxCauses = 5;

/**
 * Only the fields that are known to be safe: errors of libraries may carry requests, with bodies and credentials.
 * Causes are followed a few deep.
 */
function describeError(thrown: unknown, depth = 0): unknown {
  if (!(thrown instanceof Error)) return thrown;
  const { code, verdict, context } = thrown as { code?: unknown; verdict?: unknown; context?: unknown };
  const goesOn = thrown.cause !== undefined && depth < maxCauses;
  return {
    type: thrown.name,
    message: thrown.message,
    ...(code === undefined ? {} : { code }),
    ...(verdict === undefined ? {} : { verdict }),
    ...(context === undefined ? {} : { context }),
    stack: thrown.stack,
    ...(goesOn ? { cause: describeError(thrown.cause, depth + 1) } : {}),
  };
}
