import { createMemoryLog } from '@headwater/log';
import { it } from 'vitest';
import { Rig } from './testing/classify-fixture.ts';
import { eraseEndToEnd } from './testing/erasure.ts';

it.each(['0', '1MiB'])(
  'leaves nothing of an erased image, and no head that held it (parameters inline up to %s)',
  async (inline) => {
    const rig = await Rig.open({ log: createMemoryLog() });
    try {
      await eraseEndToEnd(rig, { HEAD_INLINE_BYTES: inline });
    } finally {
      await rig.close();
    }
  },
);
