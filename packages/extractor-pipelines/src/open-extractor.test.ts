import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { grayDigit, recordOf } from '@headwater/testing';
import { expect, it, onTestFinished } from 'vitest';
import { describeNetFile, openExtractor } from './open-extractor.ts';

const model = fileURLToPath(new URL('../../../models/lenet-digits.v1/net.onnx', import.meta.url));

it('openExtractor opens an extractor by its id or its net file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'open-extractor-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'own.yaml');
  const input = 'size: 28, colour: gray, fit: contain, background: black, layout: NHWC';
  await writeFile(path, `id: own.v3\nmodel: ${model}\ninput: { ${input} }\noutput: { tensor: features }\n`);
  const image = await grayDigit(2).png().toBuffer();
  const vectors: Float32Array[] = [];
  for (const name of ['lenet-digits.v1', path]) {
    const extractor = await openExtractor(name, { threads: 1 });
    vectors.push(await extractor.extract(recordOf(image)));
    await extractor.close();
    if (name === path) expect(await describeNetFile(path)).toEqual(extractor.description);
  }
  // The same net, cut at the same place: the same bits.
  expect(vectors[1]).toEqual(vectors[0]);
  await expect(openExtractor('nothing.v1')).rejects.toMatchObject({ code: 'extractor-unknown' });
});
