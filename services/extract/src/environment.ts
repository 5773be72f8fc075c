/** Environment variables of extract: the extractor, its engine and its limits. */
import { extractorIds, isExtractorFile, providers } from '@headwater/extractors';
import { commonEnvironment, groupEnvironment, variables } from '@headwater/service-kit';
import type { z } from 'zod';

const { byteSize, choice, duration, integer, text } = variables;

function extractor() {
  const expected = `one of ${extractorIds().join(', ')}, or the path of a file (.yaml) of your own net or chain`;
  const isKnown = (value: string) => isExtractorFile(value) || extractorIds().includes(value);
  return text(expected).refine(isKnown, `expected ${expected}`);
}

export const extractEnvironment = commonEnvironment.safeExtend({
  ...groupEnvironment,
  EXTRACTOR: extractor()
    .default('efficientnet-lite0.v1')
    .describe('The extractor of the vectors; each one has its own group and topic, named by its id.'),
  BATCH_SIZE: integer({ min: 1, max: 256 }).default(16).describe('Maximum images in one call of the engine.'),
  BATCH_LINGER: duration({ min: 0, max: 10_000 })
    .default(5)
    .meta({ shownDefault: '5ms' })
    .describe('Maximum time that an image waits for others to share its call.'),
  ENGINE_THREADS: integer({ min: 1, max: 256 })
    .optional()
    .describe('Threads of the engine; default: one for each processor that the CPU quota allows.'),
  ENGINE_PROVIDER: choice(providers)
    .default('auto')
    .describe(
      'Device of the engine: cuda and tensorrt require a GPU; auto uses CUDA where it works, else the CPU.',
    ),
  ENGINE_TIMEOUT: duration({ min: 1_000, max: 600_000 })
    .default(30_000)
    .meta({ shownDefault: '30s' })
    .describe('A call that takes longer counts as hung; its images are retried once, one at a time.'),
  DECODER_PROCESSES: integer({ min: 0, max: 64 })
    .optional()
    .describe(
      'Processes that decode images, so that an image that crashes its decoder affects no other; default: one for each processor that the CPU quota allows. 0: decode inside the service, 5 to 30 % faster.',
    ),
  MAX_PENDING_IMAGES: integer({ min: 1, max: 4_096 })
    .default(64)
    .describe('Maximum images that are decoded or wait for the engine; bounds memory.'),
  RECORDS_PER_COMMIT: integer({ min: 1, max: 1_000 })
    .default(32)
    .describe('Maximum records of a partition in one commit.'),
  MAX_IMAGE_BYTES: byteSize({ min: 1_024, max: 1_073_741_824 })
    .default(20_971_520)
    .meta({ shownDefault: '20MiB' })
    .describe('Larger images are dead letters.'),
  MAX_IMAGE_PIXELS: integer({ min: 1, max: 1_000_000_000 })
    .default(50_000_000)
    .describe('Images with more pixels (width × height) are dead letters, before they are decoded.'),
});

export type ExtractConfig = z.infer<typeof extractEnvironment>;
