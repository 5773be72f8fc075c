/**
 * Whether the tests that need Kafka can run here. Where they cannot, they are skipped for all to see; in CI
 * there is no such way out: the set-up fails there instead.
 */
import { findLibraries, findPrerequisites } from '@headwater/local-kafka';
import { isCi } from './skips/skip-rules.ts';

/** undefined when Kafka can be had, otherwise what is missing, in words. */
export function whyNoKafka(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  if (environment.KAFKA_BROKERS || isCi(environment)) return undefined;
  const { java, maven } = findPrerequisites(environment);
  if (java === undefined) return 'there is no Java 17 or newer, and KAFKA_BROKERS is not set';
  if (maven !== undefined || findLibraries() !== undefined) return undefined;
  return 'Maven is missing, which fetches Apache Kafka once, and KAFKA_BROKERS is not set';
}
