import { defineConfig } from 'vitest/config';
import { SkipReporter } from '../skips/skip-reporter.ts';

/**
 * `npm run test:operations`: long tests of an operator's tasks on Kafka: audit and repair, repartition, stop.
 */
export default defineConfig({
  test: {
    name: 'operations',
    include: ['test/operations/*.test.ts'],
    globalSetup: ['test/kafka-setup.ts'],
    reporters: ['default', new SkipReporter()],
    server: { deps: { external: [/\/dist\/.*\.m?js$/] } },
    maxWorkers: 3,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
