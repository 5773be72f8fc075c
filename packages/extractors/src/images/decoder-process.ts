/**
 * A process that decodes one image at a time: a crash of the decoder ends only this process, and the parent knows the image
 * that caused it. It monitors its own memory, since a decoder may allocate any amount while it works.
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

/** If memory grew over many images, and not with this one, the image passes its second attempt in a new process. */
function endIfTooLarge(): void {
  if (process.memoryUsage.rss() > maxBytes) process.kill(process.pid, 'SIGKILL');
}

process.on('message', async (request: DecodeRequest) => {
  const result = await answer(request);
  endIfTooLarge();
  process.send?.(result);
});
process.once('disconnect', () => process.exit(0));
// A signal for the whole process group is for the service, which ends this process when it has no more work.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
setInterval(endIfTooLarge, checkIntervalMs).unref();
