import { defineConfig } from 'vitest/config';
import { whyNoKafka } from './test/kafka-availability.ts';

const hasKafka = whyNoKafka() === undefined;

/**
 * `unit`: beside the sources, no Kafka. `kafka`: everything named *.kafka.test.ts and test/, against one real
 * Apache Kafka that the global set-up starts; skipped aloud where there is no Java, never in CI. The second group
 * begins when the first is done, and runs two files at once: broker and tests share the cores.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            '{schemas,packages/*,services/*,deploy/local,cli}/src/**/*.test.ts',
            'docs/*.test.ts',
            'test/chaos/*.test.ts',
          ],
          exclude: ['**/*.kafka.test.ts', '**/node_modules/**'],
          sequence: { groupOrder: 0 },
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'kafka',
          include: hasKafka
            ? ['{schemas,packages/*,services/*,deploy/local,cli}/src/**/*.kafka.test.ts', 'test/**/*.test.ts']
            : ['test/without-kafka.ts'],
          exclude: ['**/node_modules/**', 'test/interop/**', 'test/s3/**', 'test/chaos/**'],
          globalSetup: hasKafka ? ['test/kafka-setup.ts'] : [],
          sequence: { groupOrder: 1 },
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
