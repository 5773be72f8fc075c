/** The variables of extract: which extractor, how it is run, and what it refuses. */
import { extractorIds, isExtractorFile, providers } from '@headwater/extractors';
import { commonEnvironment, variables } from '@headwater/service-kit';
import type { z } from 'zod';

const { byteSize, choice, duration, integer, text } = variables;

function extractor() {
  const expected = `one of ${extractorIds().join(', ')}, or the path of a file (.yaml) of a net or a chain of your own`;
  const isKnown = (given: string) => isExtractorFile(given) || extractorIds().includes(given);
  return text(expected).refine(isKnown, `expected ${expected}`);
}

export const extractEnvironment = commonEnvironment.safeExtend({
  EXTRACTOR: extractor()
    .default('efficientnet-lite0.v1')
    .describe(
      'What turns images into vectors; each one has a group and a topic of its own, named by its id.',
    ),
  BATCH_SIZE: integer({ min: 1, max: 256 }).default(16).describe('Images in one call of the engine at most.'),
  BATCH_LINGER: duration({ min: 0, max: 10_000 })
    .default(5)
    .meta({ shownDefault: '5ms' })
    .describe('How long an image may wait for others to share its call.'),
  ENGINE_THREADS: integer({ min: 1, max: 256 })
    .optional()
    .describe('Threads inside the engine; default one for each processor.'),
  ENGINE_PROVIDER: choice(providers)
    .default('auto')
    .describe(
      'Where the engine computes: a GPU (cuda, tensorrt) that is asked for must be there; auto takes CUDA where it works, else the processor.',
    ),
  ENGINE_TIMEOUT: duration({ min: 1_000, max: 600_000 })
    .default(30_000)
    .meta({ shownDefault: '30s' })
    .describe('A call that takes longer counts as hung; its images are tried once more, alone.'),
  DECODER_PROCESSES: integer({ min: 0, max: 64 })
    .optional()
    .describe(
      'Processes that decode images, so that one which kills its decoder harms no other; default one for each processor. 0: inside of the service, 5 to 30 % quicker.',
    ),
  MAX_PENDING_IMAGES: integer({ min: 1, max: 4_096 })
    .default(64)
    .describe('Images that are decoded or wait for the engine at once; bounds memory.'),
  RECORDS_PER_COMMIT: integer({ min: 1, max: 1_000 })
    .default(32)
    .describe('Records of a partition that are committed together at most.'),
  MAX_IMAGE_BYTES: byteSize({ min: 1_024, max: 1_073_741_824 })
    .default(20_971_520)
    .meta({ shownDefault: '20MiB' })
    .describe('Larger images are dead letters.'),
  MAX_IMAGE_PIXELS: integer({ min: 1, max: 1_000_000_000 })
    .default(50_000_000)
    .describe('Images with more pixels (width × height) are dead letters, before they are decoded.'),
});

export type ExtractConfig = z.infer<typeof extractEnvironment>;
