/**
 * The environment of the services in a run. The run sets the data folder, extractor, task and brokers; the
 * user's other variables are kept.
 */
import { randomBytes } from 'node:crypto';
import type { Environment } from '@headwater/service-kit';

interface RunEnvironmentOptions {
  readonly user: Environment;
  readonly brokers: readonly string[];
  /** Number of local brokers; three or more keep three replicas of each topic. */
  readonly brokerCount?: number | undefined;
  readonly dataDir: string;
  readonly extractor: string;
  /** The file of a user's own extractor. */
  readonly extractorFile?: string | undefined;
  readonly task: string;
  /** Undefined: the user's PARTITIONS, else the default of the services. */
  readonly partitions?: number | undefined;
  /** Prefix of every topic, group and transactional id of this run on the user's cluster. */
  readonly prefix?: string | undefined;
}

/** The user's variables that name one topic or group; a temporary run must not touch those. */
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

/** A random prefix, unique to a run. */
export function createRunPrefix(): string {
  return `headwater-run-${randomBytes(4).toString('hex')}-`;
}
