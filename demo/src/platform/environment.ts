/**
 * The services read the environment; a run decides a part of it: where its data lies, what is extracted and asked,
 * which ports are used. What the user has set stands, as long as the run can be what it was asked to be.
 */
import { randomBytes } from 'node:crypto';
import type { Environment } from '@headwater/service-kit';

export interface RunEnvironmentOptions {
  readonly user: Environment;
  readonly brokers: readonly string[];
  /** Of a Kafka that is started here; three or more keep three replicas of each topic. */
  readonly brokerCount?: number | undefined;
  readonly dataDir: string;
  readonly extractor: string;
  /** Where the extractor is one of the user's own: its file. */
  readonly extractorFile?: string | undefined;
  readonly task: string;
  /** Undefined: as the user has set it, else the default of the services. */
  readonly partitions?: number | undefined;
  /** What comes before every topic, group and transactional id of this run, on a cluster of the user's. */
  readonly prefix?: string | undefined;
}

/** Variables of the user's that name one topic or group; a throw-away run must not touch those. */
const ownNames = /^(TOPIC|GROUP)_(?!PREFIX$)/;

const replicated: Environment = { REPLICATION_FACTOR: '3', MIN_INSYNC_REPLICAS: '2' };

export function runEnvironment(options: RunEnvironmentOptions): Environment {
  const { user, brokers, prefix, partitions } = options;
  const kept = Object.entries(user).filter(([name]) => prefix === undefined || !ownNames.test(name));
  return {
    LOG_LEVEL: 'error',
    ...((options.brokerCount ?? 1) < 3 ? {} : replicated),
    ...Object.fromEntries(kept),
    ...(prefix === undefined ? {} : prefixed(user, prefix)),
    ...(partitions === undefined ? {} : { PARTITIONS: String(partitions) }),
    KAFKA_BROKERS: brokers.length > 0 ? brokers.join(',') : undefined,
    DATA_DIR: options.dataDir,
    EXTRACTOR: options.extractorFile ?? options.extractor,
    EXTRACTORS: options.extractor,
    ...(options.extractorFile === undefined ? {} : { EXTRACTOR_FILES: options.extractorFile }),
    TASKS: options.task,
  };
}

function prefixed(user: Environment, prefix: string): Environment {
  const names = ['TOPIC_PREFIX', 'GROUP_PREFIX', 'TRANSACTIONAL_ID_PREFIX'];
  return Object.fromEntries(names.map((name) => [name, `${user[name] ?? ''}${prefix}`]));
}

/** A prefix that no other run has. */
export function createRunPrefix(): string {
  return `headwater-run-${randomBytes(4).toString('hex')}-`;
}
