/** Stands in for every test that needs Kafka where there is none, so that the report shows what was not tested. */
import { test } from 'vitest';
import { whyNoKafka } from './kafka-availability.ts';

const why = whyNoKafka();
process.stderr.write(
  `\n${'!'.repeat(78)}\n!! The tests that need Kafka are SKIPPED: ${why}.\n${'!'.repeat(78)}\n\n`,
);

test.skip(`everything that needs Kafka: ${why}`);
