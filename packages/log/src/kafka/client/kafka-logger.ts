/**
 * Forwards kafkajs' log. kafkajs logs every failure before a retry as an error; here these are at most warnings,
 * and debug messages where retries are part of the protocol (coordinators loading, groups rebalancing).
 */
import type { Logger } from '../../logger.ts';
import { type LogCreator, type LogEntry, logLevel } from './kafkajs.ts';

/** Logged fields; payloads, stacks and whole errors are omitted. */
const keptFields = [
  'broker',
  'clientId',
  'groupId',
  'memberId',
  'topic',
  'partition',
  'transactionalId',
  'retryCount',
  'error',
  'reason',
] as const;

const protocolNoise =
  /coordinator|rebalanc|not aware|concurrent|ongoing transaction|not the leader|is not available|leadership election|unknown topic|does not host|Limiting retries|disconnect|member id|limiting retries|does not host/i;

/** A repeated warning within this time is a debug message: every connection reports an unreachable broker. */
const repeatedMs = 30_000;
const longestMemory = 200;

export function createLogCreator(logger: Logger): LogCreator {
  const logged = new Map<string, number>();
  return () => (entry) => write(logger, entry, (warning) => isRepeated(logged, warning));
}

function isRepeated(logged: Map<string, number>, warning: string): boolean {
  const now = Date.now();
  const last = logged.get(warning) ?? Number.NEGATIVE_INFINITY;
  if (now - last < repeatedMs) return true;
  if (logged.size >= longestMemory) logged.clear();
  logged.set(warning, now);
  return false;
}

function write(
  logger: Logger,
  { level, namespace, log }: LogEntry,
  isKnown: (warning: string) => boolean,
): void {
  const fields: Record<string, string | number> = { part: namespace };
  for (const name of keptFields) {
    const value: unknown = log[name];
    if (typeof value === 'string' || typeof value === 'number') fields[name] = value;
  }
  fields.detail = log.message;
  if (level === logLevel.DEBUG) logger.trace(fields, 'kafka client');
  else if (level > logLevel.WARN || isNoise(log) || isKnown(log.message))
    logger.debug(fields, 'kafka client');
  else logger.warn(fields, 'kafka client');
}

function isNoise(log: LogEntry['log']): boolean {
  const error: unknown = log.error;
  return protocolNoise.test(log.message) || (typeof error === 'string' && protocolNoise.test(error));
}
