import { inject } from 'vitest';
import { createKafkaLog } from './kafka/kafka-log.ts';
import { describeLogContract } from './log-contract.ts';
import { createSilentLogger } from './silent-logger.ts';

describeLogContract('the log on Kafka', {
  openLog: () => createKafkaLog({ brokers: inject('brokers') }, createSilentLogger()),
});
