/** Variables of all services: Kafka, names, topics, storage, access and logs. */
import { z } from 'zod';
import { imageIdForms } from '../logging/image-ids.ts';
import { logLevels } from '../logging/logger.ts';
import { blobEnvironment } from './blob-environment.ts';
import { tracingEnvironment } from './tracing-environment.ts';
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
  KAFKA_BROKERS: list('host:port, several separated by commas').optional().describe('Bootstrap brokers.'),
  KAFKA_CLIENT_ID: text().default('headwater').describe('Name of this process in broker logs and quotas.'),
  KAFKA_SESSION_TIMEOUT: duration({ min: 1_000, max: 1_800_000 })
    .default(30_000)
    .meta({ shownDefault: '30s' })
    .describe(
      'Time without heartbeats after which a process loses its partitions to others; brokers allow 6s to 30m by default.',
    ),
  KAFKA_TLS: flag().default(false).describe('Encrypt connections to Kafka.'),
  KAFKA_TLS_CA: secret('certificates in PEM form')
    .optional()
    .meta({ requires: ['KAFKA_TLS'] })
    .describe('Certificate authorities to trust instead of those of the system.'),
  KAFKA_TLS_CERT: secret('a certificate in PEM form')
    .optional()
    .meta({ requires: ['KAFKA_TLS', 'KAFKA_TLS_KEY'] })
    .describe('Client certificate.'),
  KAFKA_TLS_KEY: secret('a key in PEM form')
    .optional()
    .meta({ requires: ['KAFKA_TLS', 'KAFKA_TLS_CERT'] })
    .describe('Key of the client certificate.'),
  KAFKA_SASL_MECHANISM: choice(['plain', 'scram-sha-256', 'scram-sha-512'])
    .optional()
    .meta({ requires: ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] })
    .describe('SASL mechanism of the login to Kafka.'),
  KAFKA_SASL_USERNAME: text()
    .optional()
    .meta({ requires: ['KAFKA_SASL_MECHANISM'] })
    .describe('User name for the login to Kafka.'),
  KAFKA_SASL_PASSWORD: secret()
    .optional()
    .meta({ requires: ['KAFKA_SASL_MECHANISM'] })
    .describe('Password for the login to Kafka.'),
};

const names = {
  TOPIC_PREFIX: text().optional().describe('Prefix of all topics that are not named individually.'),
  GROUP_PREFIX: text().optional().describe('Prefix of all consumer groups that are not named individually.'),
  TRANSACTIONAL_ID_PREFIX: text().optional().describe('Prefix of all transactional ids.'),
  TOPIC_IMAGES: topic('Name of the topic of images; default <TOPIC_PREFIX>images.'),
  TOPIC_LABELS: topic('Name of the topic of labels; default <TOPIC_PREFIX>labels.'),
  TOPIC_VECTORS: topic(
    'Prefix of the vector topics, before the extractor id; default <TOPIC_PREFIX>vectors. (with the dot).',
  ),
  TOPIC_EXAMPLES: topic('Name of the topic of examples; default <TOPIC_PREFIX>examples.'),
  TOPIC_HEADS: topic('Name of the topic of heads; default <TOPIC_PREFIX>heads.'),
  TOPIC_SERVING: topic('Name of the topic of serving heads; default <TOPIC_PREFIX>serving.'),
  TOPIC_PREDICTIONS: topic('Name of the topic of predictions; default <TOPIC_PREFIX>predictions.'),
  TOPIC_DEAD_LETTERS_SUFFIX: topic('Suffix of dead-letter topics; default -dlt.'),
  GROUP_EXTRACT: group(
    'Prefix of the extract groups, before the extractor id; default <GROUP_PREFIX>headwater.extract. (with the dot).',
  ),
  GROUP_JOIN: group('Consumer group of the join; default <GROUP_PREFIX>headwater.join.'),
  GROUP_TRAIN: group('Consumer group of the trainer; default <GROUP_PREFIX>headwater.train.'),
};

const keep = () => duration({ forever: true, min: 1 });

const topics = {
  TOPICS_CREATE: flag()
    .default(true)
    .describe('Create missing topics. With false, a missing topic is an error.'),
  PARTITIONS: integer({ min: 1, max: 10_000 })
    .default(6)
    .describe('Partitions of created topics; fixed afterwards.'),
  REPLICATION_FACTOR: integer({ min: -1, max: 100 })
    .refine((factor) => factor !== 0, 'expected -1 (the brokers’ default) or at least 1')
    .default(-1)
    .describe('Replicas of created topics; -1 is the brokers’ default.'),
  MIN_INSYNC_REPLICAS: integer({ min: 1, max: 100 })
    .optional()
    .describe('min.insync.replicas of created topics; default: that of the brokers.'),
  RETENTION_IMAGES: keep()
    .default(604_800_000)
    .meta({ shownDefault: '7d' })
    .describe('Retention of images in Kafka.'),
  RETENTION_LABELS: keep()
    .default(-1)
    .meta({ shownDefault: 'forever' })
    .describe('Retention of labels in Kafka.'),
  RETENTION_PREDICTIONS: keep()
    .default(2_592_000_000)
    .meta({ shownDefault: '30d' })
    .describe('Retention of predictions in Kafka.'),
  RETENTION_DEAD_LETTERS: keep()
    .default(2_592_000_000)
    .meta({ shownDefault: '30d' })
    .describe('Retention of dead letters in Kafka.'),
  MAX_COMPACTION_LAG: duration({ min: 1_000 })
    .default(86_400_000)
    .meta({ shownDefault: '1d' })
    .describe('Time after which erased vectors and examples are compacted away.'),
  MAX_MESSAGE_BYTES: byteSize({ min: 65_536, max: 104_857_600 })
    .default(1_048_576)
    .meta({ shownDefault: '1MiB' })
    .describe('Largest record; larger images are stored in the blob store.'),
};

const rest = {
  SCHEMA_REGISTRY_URL: httpUrl()
    .optional()
    .describe('Confluent or Apicurio registry; without one, schema ids are derived from the schemas.'),
  SCHEMA_REGISTRY_USERNAME: text()
    .optional()
    .meta({ requires: ['SCHEMA_REGISTRY_URL', 'SCHEMA_REGISTRY_PASSWORD'] })
    .describe('User name for the registry.'),
  SCHEMA_REGISTRY_PASSWORD: secret()
    .optional()
    .meta({ requires: ['SCHEMA_REGISTRY_USERNAME'] })
    .describe('Password for the registry.'),
  BUILD_REVISION: text('a revision')
    .optional()
    .describe(
      'Revision of the source of this build, e.g. a commit, for the metric headwater_build_info; set by the image.',
    ),
  DATA_DIR: text('a folder').default('.headwater').describe('Folder for local state; must survive restarts.'),
  ...blobEnvironment,
  AUTH_TOKENS: tokens()
    .optional()
    .describe(
      'Access tokens of the HTTP interfaces. Without it, access is open, which is allowed only on one machine. `headwater token create` creates tokens.',
    ),
  STOP_DRAIN_DELAY: duration({ min: 0, max: 3_600_000 })
    .default(0)
    .meta({ shownDefault: '0s' })
    .describe(
      'Time after SIGTERM during which /readyz returns 503 and the service continues, so that load balancers stop sending requests. Then the stop starts.',
    ),
  STOP_GRACE: duration({ min: 1_000, max: 3_600_000 })
    .default(9_000)
    .meta({ shownDefault: '9s' })
    .describe(
      'Time limit of a stop, after STOP_DRAIN_DELAY. Uncommitted work is then abandoned and processed again later. The orchestrator must wait longer than both together.',
    ),
  LOG_LEVEL: choice(logLevels).default('info').describe('Lowest level that is logged.'),
  LOG_FORMAT: choice(['json', 'pretty']).default('json').describe('JSON objects, or readable lines.'),
  LOG_IMAGE_IDS: choice(imageIdForms)
    .default('plain')
    .describe(
      'Image ids in logs and traces: as they are (plain), or hashed, so that lines can still be joined.',
    ),
  LOG_IMAGE_IDS_KEY: secret()
    .optional()
    .describe(
      'Key of the hashes of LOG_IMAGE_IDS=hashed, the same for all processes: without one, a guessed id can be recognized by its hash.',
    ),
  ADMIN_HOST: text('an address')
    .default('127.0.0.1')
    .describe('Address of probes and metrics; 0.0.0.0 in a container.'),
  METRICS_ACCESS: choice(['open', 'read'])
    .default('open')
    .describe('Access to /metrics: open, or with any token of AUTH_TOKENS (read). Probes are always open.'),
  ADMIN_PORT: port().default(9464).describe('Port of probes and metrics; 0 selects a free port.'),
};

/** Of services that read topics as members of a consumer group. */
export const groupEnvironment = {
  GROUP_INSTANCE_ID: text('a name of letters, digits, dots, dashes and underscores')
    .refine(
      (name) => /^[a-zA-Z0-9._-]{1,249}$/.test(name),
      'expected up to 249 letters, digits, dots, dashes and underscores',
    )
    .optional()
    .describe(
      'Static membership: a process that is started again under the same name within KAFKA_SESSION_TIMEOUT gets its partitions back without a rebalance. Different for each process of a service, e.g. the name of a StatefulSet’s pod; empty: partitions move as soon as it stops.',
    ),
};

/** Services extend it with `commonEnvironment.extend({ … })`. */
export const commonEnvironment = z.object({ ...kafka, ...names, ...topics, ...rest, ...tracingEnvironment });

export type CommonConfig = z.infer<typeof commonEnvironment>;
