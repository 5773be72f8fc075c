/** The variables that every service shares: where Kafka is, what things are called, where data lies. */
import { z } from 'zod';
import { logLevels } from '../logging/logger.ts';
import { blobEnvironment } from './blob-environment.ts';
import {
  byteSize,
  choice,
  duration,
  flag,
  httpUrl,
  integer,
  list,
  port,
  secret,
  text,
  tokens,
} from './variables.ts';

const topic = (description: string) =>
  text('a topic name')
    .refine(
      (name) => /^[a-zA-Z0-9._-]{1,249}$/.test(name),
      'expected letters, digits, dots, dashes and underscores',
    )
    .optional()
    .describe(description);
const group = (description: string) => text('a group name').optional().describe(description);

const kafka = {
  KAFKA_BROKERS: list('host:port, several separated by commas').optional().describe('Brokers to start from.'),
  KAFKA_CLIENT_ID: text()
    .default('headwater')
    .describe('What brokers call this process in their logs and quotas.'),
  KAFKA_SESSION_TIMEOUT: duration({ min: 1_000, max: 1_800_000 })
    .default(30_000)
    .meta({ shownDefault: '30s' })
    .describe(
      'A process that is not heard of for so long loses its partitions to others; brokers allow 6s to 30m by default.',
    ),
  KAFKA_TLS: flag().default(false).describe('Encrypt connections to Kafka.'),
  KAFKA_TLS_CA: secret('certificates in PEM form')
    .optional()
    .meta({ requires: ['KAFKA_TLS'] })
    .describe('Authorities to trust instead of the system’s.'),
  KAFKA_TLS_CERT: secret('a certificate in PEM form')
    .optional()
    .meta({ requires: ['KAFKA_TLS', 'KAFKA_TLS_KEY'] })
    .describe('Certificate of this client.'),
  KAFKA_TLS_KEY: secret('a key in PEM form')
    .optional()
    .meta({ requires: ['KAFKA_TLS', 'KAFKA_TLS_CERT'] })
    .describe('Key of that certificate.'),
  KAFKA_SASL_MECHANISM: choice(['plain', 'scram-sha-256', 'scram-sha-512'])
    .optional()
    .meta({ requires: ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] })
    .describe('How to log in to Kafka.'),
  KAFKA_SASL_USERNAME: text()
    .optional()
    .meta({ requires: ['KAFKA_SASL_MECHANISM'] })
    .describe('Who logs in.'),
  KAFKA_SASL_PASSWORD: secret()
    .optional()
    .meta({ requires: ['KAFKA_SASL_MECHANISM'] })
    .describe('The password for it.'),
};

const names = {
  TOPIC_PREFIX: text().optional().describe('Comes before every topic that is not named on its own.'),
  GROUP_PREFIX: text().optional().describe('Comes before every consumer group that is not named on its own.'),
  TRANSACTIONAL_ID_PREFIX: text().optional().describe('Comes before every transactional id.'),
  TOPIC_IMAGES: topic('Name of the topic of images; default <TOPIC_PREFIX>images.'),
  TOPIC_LABELS: topic('Name of the topic of labels; default <TOPIC_PREFIX>labels.'),
  TOPIC_VECTORS: topic(
    'What an extractor’s id is appended to; default <TOPIC_PREFIX>vectors. (with the dot).',
  ),
  TOPIC_EXAMPLES: topic('Name of the topic of examples; default <TOPIC_PREFIX>examples.'),
  TOPIC_HEADS: topic('Name of the topic of heads; default <TOPIC_PREFIX>heads.'),
  TOPIC_SERVING: topic('Name of the topic of serving heads; default <TOPIC_PREFIX>serving.'),
  TOPIC_PREDICTIONS: topic('Name of the topic of predictions; default <TOPIC_PREFIX>predictions.'),
  TOPIC_DEAD_LETTERS_SUFFIX: topic('Appended to a topic’s name for its dead letters; default -dlt.'),
  GROUP_EXTRACT: group(
    'What an extractor’s id is appended to; default <GROUP_PREFIX>headwater.extract. (with the dot).',
  ),
  GROUP_JOIN: group('Consumer group of the join; default <GROUP_PREFIX>headwater.join.'),
  GROUP_TRAIN: group('Consumer group of the trainer; default <GROUP_PREFIX>headwater.train.'),
};

const keep = () => duration({ forever: true, min: 1 });

const topics = {
  TOPICS_CREATE: flag()
    .default(true)
    .describe(
      'Create topics that are missing. With false nothing is created, and a missing topic is an error.',
    ),
  PARTITIONS: integer({ min: 1, max: 10_000 })
    .default(6)
    .describe('Partitions of topics that are created; fixed from then on.'),
  REPLICATION_FACTOR: integer({ min: -1, max: 100 })
    .refine((factor) => factor !== 0, 'expected -1 (the brokers’ default) or at least 1')
    .default(-1)
    .describe('Replicas of topics that are created; -1 is the brokers’ default.'),
  MIN_INSYNC_REPLICAS: integer({ min: 1, max: 100 })
    .optional()
    .describe('min.insync.replicas of topics that are created; otherwise the brokers’ default.'),
  RETENTION_IMAGES: keep()
    .default(604_800_000)
    .meta({ shownDefault: '7d' })
    .describe('How long images stay in Kafka.'),
  RETENTION_LABELS: keep()
    .default(-1)
    .meta({ shownDefault: 'forever' })
    .describe('How long labels stay in Kafka.'),
  RETENTION_PREDICTIONS: keep()
    .default(2_592_000_000)
    .meta({ shownDefault: '30d' })
    .describe('How long predictions stay in Kafka.'),
  RETENTION_DEAD_LETTERS: keep()
    .default(2_592_000_000)
    .meta({ shownDefault: '30d' })
    .describe('How long dead letters stay in Kafka.'),
  MAX_COMPACTION_LAG: duration({ min: 1_000 })
    .default(86_400_000)
    .meta({ shownDefault: '1d' })
    .describe('Erased vectors and examples are gone from the topics after this long.'),
  MAX_MESSAGE_BYTES: byteSize({ min: 65_536, max: 104_857_600 })
    .default(1_048_576)
    .meta({ shownDefault: '1MiB' })
    .describe('Largest record; larger images go to the blob store.'),
};

const rest = {
  SCHEMA_REGISTRY_URL: httpUrl()
    .optional()
    .describe('Confluent or Apicurio registry; without one, schema ids are derived from the schemas.'),
  SCHEMA_REGISTRY_USERNAME: text()
    .optional()
    .meta({ requires: ['SCHEMA_REGISTRY_URL', 'SCHEMA_REGISTRY_PASSWORD'] })
    .describe('Who logs in to the registry.'),
  SCHEMA_REGISTRY_PASSWORD: secret()
    .optional()
    .meta({ requires: ['SCHEMA_REGISTRY_USERNAME'] })
    .describe('The password for it.'),
  DATA_DIR: text('a folder').default('.headwater').describe('Folder for local state; must survive restarts.'),
  ...blobEnvironment,
  AUTH_TOKENS: tokens()
    .optional()
    .describe(
      'Who may use the HTTP interfaces: without it everybody who reaches them, which is for one machine alone. `headwater token create` makes tokens.',
    ),
  STOP_DRAIN_DELAY: duration({ min: 0, max: 3_600_000 })
    .default(0)
    .meta({ shownDefault: '0s' })
    .describe(
      'After SIGTERM: /readyz answers 503 for so long while all goes on, so that load balancers send nothing more. Then the stop begins.',
    ),
  STOP_GRACE: duration({ min: 1_000, max: 3_600_000 })
    .default(9_000)
    .meta({ shownDefault: '9s' })
    .describe(
      'How long a stop may take, after STOP_DRAIN_DELAY. What is not committed by then is abandoned and processed again later. The orchestrator must wait longer than both together.',
    ),
  LOG_LEVEL: choice(logLevels).default('info').describe('Least important messages that are logged.'),
  LOG_FORMAT: choice(['json', 'pretty']).default('json').describe('JSON objects, or lines for people.'),
  ADMIN_HOST: text('an address')
    .default('127.0.0.1')
    .describe('Address of probes and metrics; 0.0.0.0 in a container.'),
  METRICS_ACCESS: choice(['open', 'read'])
    .default('open')
    .describe(
      'Who may read /metrics: everybody who reaches the port, or holders of a token of AUTH_TOKENS. Probes are always open.',
    ),
  ADMIN_PORT: port().default(9464).describe('Port of probes and metrics; 0 takes a free one.'),
};

/** Services extend it: `commonEnvironment.extend({ … })`. */
export const commonEnvironment = z.object({ ...kafka, ...names, ...topics, ...rest });

export type CommonConfig = z.infer<typeof commonEnvironment>;
