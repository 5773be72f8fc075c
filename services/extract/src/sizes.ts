/** Numbers of threads and processes of extract: as configured, else by the processors that the CPU quota allows. */
import { type ProcessorLimits, processorLimits } from '@headwater/extractors';
import type { Logger } from '@headwater/log';
import type { ExtractConfig } from './environment.ts';

interface ExtractSizes {
  readonly engineThreads: number;
  /** 0: images are decoded in this process. */
  readonly decoders: number;
}

type SizeConfig = Pick<ExtractConfig, 'ENGINE_THREADS' | 'DECODER_PROCESSES'>;

export function extractSizes(config: SizeConfig, { processors } = processorLimits()): ExtractSizes {
  return {
    engineThreads: config.ENGINE_THREADS ?? processors,
    decoders: config.DECODER_PROCESSES ?? processors,
  };
}

/** The default of libuv. */
const defaultPoolThreads = 4;

/** Threads of Node's pool. It has started before this code, so that only the environment can size it. */
function poolThreads(): number {
  const configured = Number(process.env.UV_THREADPOOL_SIZE);
  return configured >= 1 ? Math.floor(configured) : defaultPoolThreads;
}

export function reportSizes(
  config: SizeConfig,
  logger: Logger,
  limits: ProcessorLimits = processorLimits(),
): void {
  const { schedulable, quota = null, processors } = limits;
  const sizes = { ...extractSizes(config, limits), poolThreads: poolThreads() };
  logger.info(
    { schedulableProcessors: schedulable, cpuQuota: quota, processors, ...sizes },
    'sized by the available processors',
  );
  if (sizes.decoders === 0 && sizes.poolThreads < processors) {
    logger.warn(
      { processors, poolThreads: sizes.poolThreads },
      'fewer images are decoded at once than there are processors; set UV_THREADPOOL_SIZE to their number',
    );
  }
}
