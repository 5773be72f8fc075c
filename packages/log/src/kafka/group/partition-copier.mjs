/** A process that copies a topic until it is ended, for tests that kill or stop it. */
import { createKafkaLog } from '../../../dist/kafka/kafka-log.js';

const { BROKERS = '', GROUP = '', INPUT = '', OUTPUT = '' } = process.env;
const ignore = () => undefined;
const logger = {
  trace: ignore,
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
  fatal: ignore,
  child: () => logger,
};
const log = createKafkaLog({ brokers: BROKERS.split(',') }, logger);

const partitionGroup = await log.openPartitionGroup({
  group: GROUP,
  topics: [INPUT],
  sessionTimeoutMs: 6_000,
  batch: { maxRecords: 4, lingerMs: 1 },
  inFlight: 2,
  transactionalId: (partition) => `${GROUP}-${partition}`,
  deadLetterTopic: (topic) => `${topic}-dlt`,
  open: async () => ({
    process: async (records) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      const copies = records.map((cause) => ({ topic: OUTPUT, key: cause.key, value: cause.value, cause }));
      return { records: copies, deadLetters: [] };
    },
    close: ignore,
  }),
});
await partitionGroup.ready;
process.stdout.write('ready\n');
