/** Encoded images: ingest reads the header, extract decodes the pixels. */
import { decodeImage } from '../../../packages/extractors/src/images/decoder.ts';
import { defaultLimits } from '../../../packages/extractors/src/images/limits.ts';
import { channelsOf } from '../../../packages/extractors/src/table/definition.ts';
import { efficientnetLite0 } from '../../../packages/extractors/src/table/efficientnet-lite0.ts';
import { lenetDigits } from '../../../packages/extractors/src/table/lenet-digits.ts';
import { inspectImage } from '../../../services/ingest/src/intake/inspection.ts';
import { mutate } from '../mutation.ts';
import { Finding, type OpenTarget, type Target } from '../target.ts';
import { codeOf } from './codes.ts';
import { bombs, seedPictures } from './pictures.ts';

const refusals = ['image-unreadable', 'image-too-large', 'image-type-unsupported'];
/** Bombs are slow on purpose, so only one case in this number is one. */
const bombEvery = 200;
const largestInput = 64 * 1024;

async function openImages(): Promise<OpenTarget> {
  const seeds = await seedPictures();
  const large = await bombs();
  const nets = [lenetDigits, efficientnetLite0];
  return {
    generate(random, index) {
      if (index % bombEvery === 0) {
        const bomb = large[(index / bombEvery) % large.length] ?? Buffer.alloc(0);
        return index < bombEvery * large.length ? bomb : mutate(bomb, random, []);
      }
      return mutate(random.pick(seeds), random, seeds).subarray(0, largestInput);
    },
    async run(input) {
      const header = await codeOf(() => inspectImage(Buffer.from(input), defaultLimits));
      if (header !== 'ok' && !refusals.includes(header)) throw new Finding(`ingest answers ${header}`);
      const { preprocessing } = nets[input.length % 3 === 0 ? 0 : 1] ?? lenetDigits;
      const { side } = preprocessing;
      return codeOf(async () => {
        const pixels = await decodeImage(input, preprocessing, defaultLimits);
        const expected = side * side * channelsOf(preprocessing);
        if (pixels.length !== expected) throw new Finding(`${pixels.length} values instead of ${expected}`);
      });
    },
    close: async () => undefined,
  };
}

export const imagesTarget: Target = {
  name: 'images',
  // A file may also exceed the time limit of decoding: extractor-failed.
  documented: new Set(['ok', ...refusals, 'extractor-failed']),
  timeoutMs: 60_000,
  memoryBytes: 1024 * 1024 * 1024,
  open: openImages,
};
