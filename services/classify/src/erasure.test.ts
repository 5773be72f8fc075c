import { createMemoryLog } from '@headwater/log';
import { it } from 'vitest';
import { ClassifyFixture } from './testing/classify-fixture.ts';
import { eraseEndToEnd } from './testing/erasure.ts';

it.each(['0', '1MiB'])(
  'leaves nothing of an erased image, and no head that held it (parameters inline up to %s)',
  async (inline) => {
    const fixture = await ClassifyFixture.open({ log: createMemoryLog() });
    try {
      await eraseEndToEnd(fixture, { HEAD_INLINE_BYTES: inline });
    } finally {
      await fixture.close();
    }
  },
);
