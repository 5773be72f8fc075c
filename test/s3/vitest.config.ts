import { defineConfig } from 'vitest/config';
import { SkipReporter } from '../skips/skip-reporter.ts';

/** `npm run test:s3`: the claim check against a real S3 server, which is fetched once. */
export default defineConfig({
  test: {
    name: 's3',
    reporters: ['default', new SkipReporter()],
    include: ['test/s3/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 600_000,
  },
});
