import { defineConfig } from 'vitest/config';
import { SkipReporter } from '../skips/skip-reporter.ts';

/** `npm run test:interop`: independent clients, against the services and a real schema registry. */
export default defineConfig({
  test: {
    name: 'interop',
    reporters: ['default', new SkipReporter()],
    include: ['test/interop/*.test.ts'],
    globalSetup: ['test/interop/setup.ts'],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 600_000,
  },
});
