/** A process that copies a topic until it is ended, for tests that kill or stop it. With REPORT, prints what it opens and closes. */
import { createKafkaLog } from '../../../dist/kafka/kafka-log.js';

const {
  BROKERS = '',
  GROUP = '',
  INPUT = '',
  OUTPUT = '',
  SESSION_TIMEOUT_MS = '6000',
  REPORT,
} = process.env;
const ignore = () => undefined;
const print = (line) => process.stdout.write(`${line}\n`);
const report = REPORT === undefined ? ignore : print;
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
  sessionTimeoutMs: Number(SESSION_TIMEOUT_MS),
  batch: { maxRecords: 4, lingerMs: 1 },
  inFlight: 2,
  transactionalId: (partition) => `${GROUP}-${partition}`,
  deadLetterTopic: (topic) => `${topic}-dlt`,
  observer: { assigned: (partitions) => report(`assigned ${partitions.join()}`) },
  open: async ({ index }) => {
    report(`open ${index}`);
    return {
      process: async (records) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        const copies = records.map((cause) => ({ topic: OUTPUT, key: cause.key, value: cause.value, cause }));
        return { records: copies, deadLetters: [] };
      },
      close: () => report(`close ${index}`),
    };
  },
});
process.once('SIGTERM', () => void log.close().then(() => process.exit(0)));
await partitionGroup.ready;
print('ready');
