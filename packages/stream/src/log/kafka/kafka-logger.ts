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
  /coordinator|rebalanc|not aware|concurrent|ongoing transaction|not the leader|is not available|leadership election|unknown topic|does not host|Limiting retries|disconnect|member id|Pausing|Resuming/i;

export function createLogCreator(logger: Logger): LogCreator {
  return () => (entry) => write(logger, entry);
}

function write(logger: Logger, { level, namespace, log }: LogEntry): void {
  const fields: Record<string, string | number> = { part: namespace };
  for (const name of keptFields) {
    const value: unknown = log[name];
    if (typeof value === 'string' || typeof value === 'number') fields[name] = value;
  }
  fields.detail = log.message;
  if (level === logLevel.DEBUG) logger.trace(fields, 'kafka client');
  else if (level > logLevel.WARN || isNoise(log)) logger.debug(fields, 'kafka client');
  else logger.warn(fields, 'kafka client');
}

function isNoise(log: LogEntry['log']): boolean {
  const error: unknown = log.error;
  return protocolNoise.test(log.message) || (typeof error === 'string' && protocolNoise.test(error));
}
