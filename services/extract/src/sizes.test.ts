import type { ProcessorLimits } from '@headwater/extractors';
import { createLogger } from '@headwater/service-kit';
import { afterEach, expect, it, vi } from 'vitest';
import { extractSizes, reportSizes } from './sizes.ts';

const half: ProcessorLimits = { schedulable: 8, quota: 0.5, processors: 1 };
const many: ProcessorLimits = { schedulable: 8, quota: undefined, processors: 8 };

afterEach(() => vi.unstubAllEnvs());

it('sizes the engine and the decoders by the CPU quota', () => {
  expect(extractSizes({}, half)).toEqual({ engineThreads: 1, decoders: 1 });
  expect(extractSizes({}, many)).toEqual({ engineThreads: 8, decoders: 8 });
});

it('prefers configured sizes to the CPU quota', () => {
  const config = { ENGINE_THREADS: 3, DECODER_PROCESSES: 0 };
  expect(extractSizes(config, half)).toEqual({ engineThreads: 3, decoders: 0 });
});

function reported(config: Parameters<typeof reportSizes>[0], limits = half) {
  const logger = createLogger({ name: 'test', level: 'fatal', format: 'json' });
  const info = vi.spyOn(logger, 'info');
  const warn = vi.spyOn(logger, 'warn');
  reportSizes(config, logger, limits);
  return { info: info.mock.calls, warnings: warn.mock.calls };
}

it('logs the CPU quota and the sizes', () => {
  vi.stubEnv('UV_THREADPOOL_SIZE', '2');
  const fields = {
    schedulableProcessors: 8,
    cpuQuota: 0.5,
    processors: 1,
    engineThreads: 1,
    decoders: 1,
    poolThreads: 2,
  };
  expect(reported({})).toEqual({ info: [[fields, 'sized by the available processors']], warnings: [] });
});

it('warns where the pool has fewer threads than there are processors to decode with', () => {
  vi.stubEnv('UV_THREADPOOL_SIZE', undefined);
  expect(reported({ DECODER_PROCESSES: 0 }, many).warnings).toEqual([
    [{ processors: 8, poolThreads: 4 }, expect.stringContaining('UV_THREADPOOL_SIZE')],
  ]);
  expect(reported({}, many).warnings).toEqual([]);
  vi.stubEnv('UV_THREADPOOL_SIZE', '8');
  expect(reported({ DECODER_PROCESSES: 0 }, many).warnings).toEqual([]);
});
