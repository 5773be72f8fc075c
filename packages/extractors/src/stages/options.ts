/** Checks the options of a step, as given in a chain's file, with one schema; all errors are reported at once. */
import { HeadwaterError } from '@headwater/errors';
import type { z } from 'zod';

/** Missing options have their defaults. Errors: config-invalid. */
export function readOptions<T>(schema: z.ZodType<T>, options: unknown): T {
  const parsed = schema.safeParse(options ?? {});
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) =>
    path.length > 0 ? `${path.join('.')}: ${message}` : message,
  );
  throw new HeadwaterError('config-invalid', problems.join('; '));
}
