/**
 * Structured logs on standard error: constant messages and fields, without payloads and secrets. Only this file uses
 * pino.
 */
import { createRequire } from 'node:module';
import type { Logger } from '@headwater/log';
import { pino } from 'pino';
import { type HideImageId, hideImageIds, type ImageIdOptions } from './image-ids.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Destination of log lines. */
interface LogDestination {
  write(line: string): void;
}

export interface LoggerOptions extends ImageIdOptions {
  /** Name of the service, in every line. */
  readonly name: string;
  /** Default `info`. */
  readonly level?: LogLevel;
  /** One JSON object per line (the default), or readable lines. */
  readonly format?: 'json' | 'pretty';
  /** Default: standard error, written synchronously, so that no line is lost at exit. */
  readonly destination?: LogDestination;
}

/** Fields that hold an image id, or a text that has one in it. */
const imageIdNames = ['imageId', 'key', 'imageUri'];

interface LoggingConfig {
  readonly LOG_LEVEL: LogLevel;
  readonly LOG_FORMAT: 'json' | 'pretty';
  readonly LOG_IMAGE_IDS: 'plain' | 'hashed';
  readonly LOG_IMAGE_IDS_KEY?: string | undefined;
}

/** The logger's options in a service's configuration. */
export function loggingOf(config: LoggingConfig): Omit<LoggerOptions, 'name'> {
  return {
    level: config.LOG_LEVEL,
    format: config.LOG_FORMAT,
    imageIds: config.LOG_IMAGE_IDS,
    imageIdsKey: config.LOG_IMAGE_IDS_KEY,
  };
}

const secretNames = ['password', 'authorization', 'secret', 'token', 'cookie', 'sasl', 'credentials'];

export function createLogger(options: LoggerOptions): Logger {
  const hide = hideImageIds(options);
  const describe = (thrown: unknown) => describeError(thrown, hide);
  const hiders = hide === undefined ? [] : imageIdNames.map((name) => [name, hideText(hide)] as const);
  return pino(
    {
      name: options.name,
      level: options.level ?? 'info',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: withoutBytes },
      serializers: {
        err: describe,
        error: describe,
        cause: describe,
        ...Object.fromEntries(hiders),
      },
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
function describeError(thrown: unknown, hide: HideImageId | undefined, depth = 0): unknown {
  if (!(thrown instanceof Error)) return thrown;
  const { code, verdict, context } = thrown as { code?: unknown; verdict?: unknown; context?: unknown };
  const hasCause = thrown.cause !== undefined && depth < maxCauses;
  return {
    type: thrown.name,
    message: thrown.message,
    ...(code === undefined ? {} : { code }),
    ...(verdict === undefined ? {} : { verdict }),
    ...(context === undefined ? {} : { context: describeContext(context, hide) }),
    stack: thrown.stack,
    ...(hasCause ? { cause: describeError(thrown.cause, hide, depth + 1) } : {}),
  };
}

/** Names of an image id in the context of an error. */
const idNames = new Set(['id', 'image', 'imageId', 'key']);

function describeContext(context: unknown, hide: HideImageId | undefined): unknown {
  if (hide === undefined || typeof context !== 'object' || context === null) return context;
  const hidden = hideText(hide);
  return Object.fromEntries(
    Object.entries(context).map(([name, value]) => [name, idNames.has(name) ? hidden(value) : value]),
  );
}

function hideText(hide: HideImageId): (value: unknown) => unknown {
  return (value) => (typeof value === 'string' ? hide(value) : value);
}
