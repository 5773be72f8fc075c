/**
 * Structured logs on standard error: constant messages and fields, without payloads and secrets. Only this file uses
 * pino.
 */
import { createRequire } from 'node:module';
import type { Logger } from '@headwater/log';
import { pino } from 'pino';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Destination of log lines. */
interface LogDestination {
  write(line: string): void;
}

export interface LoggerOptions {
  /** Name of the service, in every line. */
  readonly name: string;
  /** Default `info`. */
  readonly level?: LogLevel;
  /** One JSON object per line (the default), or readable lines. */
  readonly format?: 'json' | 'pretty';
  /** Default: standard error, written synchronously, so that no line is lost at exit. */
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

/** Replaces binary fields by their length: images and vectors must not be logged. */
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
 * Logs only safe fields: errors of libraries may contain requests with bodies and credentials. Causes are logged to a
 * depth of `maxCauses`.
 */
function describeError(thrown: unknown, depth = 0): unknown {
  if (!(thrown instanceof Error)) return thrown;
  const { code, verdict, context } = thrown as { code?: unknown; verdict?: unknown; context?: unknown };
  const hasCause = thrown.cause !== undefined && depth < maxCauses;
  return {
    type: thrown.name,
    message: thrown.message,
    ...(code === undefined ? {} : { code }),
    ...(verdict === undefined ? {} : { verdict }),
    ...(context === undefined ? {} : { context }),
    stack: thrown.stack,
    ...(hasCause ? { cause: describeError(thrown.cause, depth + 1) } : {}),
  };
}
