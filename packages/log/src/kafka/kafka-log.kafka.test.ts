import { describeLogContract } from '@headwater/testing';
import { inject } from 'vitest';
import { createSilentLogger } from '../silent-logger.ts';
import { createKafkaLog } from './kafka-log.ts';

describeLogContract('the log on Kafka', () =>
  createKafkaLog({ brokers: inject('brokers') }, createSilentLogger()),
);
