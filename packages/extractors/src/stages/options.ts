/** Options of a link, as a chain's file gives them: checked by one schema, and all that is wrong with them said at once. */
import { HeadwaterError } from '@headwater/errors';
import type { z } from 'zod';

/** No options at all are the defaults. Errors: config-invalid. */
export function readOptions<T>(schema: z.ZodType<T>, options: unknown): T {
  const parsed = schema.safeParse(options ?? {});
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) =>
    path.length > 0 ? `${path.join('.')}: ${message}` : message,
  );
  throw new HeadwaterError('config-invalid', problems.join('; '));
}
