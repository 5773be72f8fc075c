/**
 * kafkajs' logs in ours. It calls every failure that it goes on to retry an error; here they are warnings at
 * most, and where retrying is the protocol (coordinators loading, groups rebalancing) they are details.
 */
import type { Logger } from '../../logger.ts';
import { type LogCreator, type LogEntry, logLevel } from './kafkajs.ts';

/** Fields that say where and what; everything else (payloads, stacks, whole errors) is left out. */
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

/** The same warning again within this time is a detail: a broker that is away is told by every connection. */
const repeatedMs = 30_000;
const longestMemory = 200;

export function createLogCreator(logger: Logger): LogCreator {
  const told = new Map<string, number>();
  return () => (entry) => write(logger, entry, (warning) => isRepeated(told, warning));
}

function isRepeated(told: Map<string, number>, warning: string): boolean {
  const now = Date.now();
  const last = told.get(warning) ?? Number.NEGATIVE_INFINITY;
  if (now - last < repeatedMs) return true;
  if (told.size >= longestMemory) told.clear();
  told.set(warning, now);
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
