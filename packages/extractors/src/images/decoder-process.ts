/**
 * A process that decodes, one image at a time: what kills a decoder kills this one, and whoever asked knows which image it was. It watches
 * its own memory, since a decoder may take any amount while it works.
 */
import { asHeadwaterError } from '@headwater/errors';
import { decodeInProcess } from './decoder.ts';
import type { DecodeAnswer, DecodeRequest } from './decoder-protocol.ts';

const maxBytes = Number(process.argv[2]);
const checkIntervalMs = 50;

async function answer({ image, preprocessing, limits }: DecodeRequest): Promise<DecodeAnswer> {
  try {
    return { pixels: await decodeInProcess(image, preprocessing, limits) };
  } catch (thrown) {
    const { code, message, context } = asHeadwaterError(thrown);
    return { error: { code, message, context: context as never } };
  }
}

/** A process that grew from image to image, and not by this one, passes its second attempt in a new one. */
function endIfTooLarge(): void {
  if (process.memoryUsage.rss() > maxBytes) process.kill(process.pid, 'SIGKILL');
}

process.on('message', async (request: DecodeRequest) => {
  const result = await answer(request);
  endIfTooLarge();
  process.send?.(result);
});
process.once('disconnect', () => process.exit(0));
// A signal for the whole group is for the service: it ends us when it has no more work.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
setInterval(endIfTooLarge, checkIntervalMs).unref();
