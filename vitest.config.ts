import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/file-order.ts';
import { whyNoKafka } from './test/kafka-availability.ts';
import { SkipReporter } from './test/skips/skip-reporter.ts';

const hasKafka = whyNoKafka() === undefined;

/** Tests on Kafka wait a good deal: on two cores a third file finds time to run. More than a few would crowd the one broker. */
const maxWorkers = Math.min(6, Math.max(3, availableParallelism()));

/** Other packages are built, and run as Node runs them; without this each file would have them transformed and loaded anew. */
const server = { deps: { external: [/\/dist\/.*\.m?js$/] } };

/**
 * `unit`: beside the sources, no Kafka; the files share a few processes, for half of their time would go into loading what they import, so what
 * they change of a process they must undo. `kafka`: everything named *.kafka.test.ts and test/, against one real Apache Kafka that the
 * global set-up starts; skipped aloud where there is no Java, never in CI. Both run at the same time. Tests of test/interop, test/s3,
 * test/operations and test/replicas have commands of their own.
 */
export default defineConfig({
  test: {
    reporters: ['default', new SkipReporter()],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            '{packages/*,services/*,deploy/local-kafka,demo,cli}/src/**/*.test.ts',
            'docs/*.test.ts',
            'test/{chaos,layout,release,skips,upgrade,wire-names}/**/*.test.ts',
          ],
          exclude: ['**/*.kafka.test.ts', '**/node_modules/**'],
          server,
          isolate: false,
          maxWorkers,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'kafka',
          include: hasKafka
            ? [
                '{packages/*,services/*,deploy/local-kafka,demo,cli}/src/**/*.kafka.test.ts',
                'test/**/*.test.ts',
              ]
            : ['test/without-kafka.ts'],
          exclude: [
            '**/node_modules/**',
            'test/{interop,s3,operations,replicas}/**',
            'test/{chaos,layout,release,skips,upgrade,wire-names}/**',
          ],
          globalSetup: hasKafka ? ['test/kafka-setup.ts'] : [],
          server,
          maxWorkers,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
