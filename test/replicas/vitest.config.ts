import { defineConfig } from 'vitest/config';
import { SkipReporter } from '../skips/skip-reporter.ts';

/** `npm run test:replicas`: two or three processes of each service on Kafka, which must answer as one. */
export default defineConfig({
  test: {
    name: 'replicas',
    include: ['test/replicas/*.test.ts'],
    globalSetup: ['test/kafka-setup.ts'],
    reporters: ['default', new SkipReporter()],
    server: { deps: { external: [/\/dist\/.*\.m?js$/] } },
    maxWorkers: 1,
    testTimeout: 180_000,
    hookTimeout: 300_000,
  },
});
