import { defineConfig } from 'vitest/config';

/**
 * `unit`: beside the sources, no Kafka. `kafka`: everything named *.kafka.test.ts and test/, against one real
 * Apache Kafka that the global set-up starts; skipped aloud where there is no Java, never in CI.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{schemas,packages/*,services/*,deploy/local,cli}/src/**/*.test.ts'],
          exclude: ['**/*.kafka.test.ts', '**/node_modules/**'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'kafka',
          include: [
            '{schemas,packages/*,services/*,deploy/local,cli}/src/**/*.kafka.test.ts',
            'test/**/*.test.ts',
          ],
          exclude: ['**/node_modules/**', 'test/interop/**'],
          globalSetup: ['test/kafka-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
