/** The options of an extractor with their defaults. All errors are reported at once. */
import { HeadwaterError } from '@headwater/errors';
import { defaultLimits } from './images/limits.ts';
import type { ExtractorOptions, ImageLimits } from './options.ts';
import { availableProcessors } from './processors.ts';

export type Settings = Required<Omit<ExtractorOptions, 'limits' | 'onBatch'>> &
  Pick<ExtractorOptions, 'onBatch'> & { readonly limits: ImageLimits };

/** Errors: config-invalid. */
export function settingsOf(options: ExtractorOptions): Settings {
  const settings = {
    batchSize: 16,
    batchLingerMs: 5,
    threads: availableProcessors(),
    maxPending: 64,
    timeoutMs: 30_000,
    provider: 'auto' as const,
    ...options,
    limits: { ...defaultLimits, ...options.limits },
  };
  const { batchSize, batchLingerMs, threads, maxPending, timeoutMs, limits } = settings;
  const numbers = { batchSize, batchLingerMs: batchLingerMs + 1, threads, maxPending, timeoutMs, ...limits };
  const wrong = Object.entries(numbers).filter(([, value]) => !Number.isInteger(value) || value < 1);
  if (wrong.length === 0) return settings;
  const names = wrong.map(([name]) => name).join(', ');
  throw new HeadwaterError('config-invalid', `extractor options must be positive integers: ${names}`);
}
