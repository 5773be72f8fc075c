/** The net file in the README must open and behave as described. */
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { grayDigit, recordOf } from '@headwater/testing';
import { expect, it, onTestFinished } from 'vitest';
import { openExtractor } from './open-extractor.ts';

it('the README shows a net file that can be opened', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const [, example = ''] = /```yaml\n(.*?)```/s.exec(readme) ?? [];
  const folder = await mkdtemp(join(tmpdir(), 'readme-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const model = new URL('../../../models/lenet-digits.v1/net.onnx', import.meta.url);
  await copyFile(model, join(folder, 'net.onnx'));
  await writeFile(join(folder, 'my-digits.yaml'), example);
  const extractor = await openExtractor(join(folder, 'my-digits.yaml'), { threads: 1 });
  onTestFinished(() => extractor.close());
  const { id, contract } = extractor.description;
  expect({ id, contract }).toMatchObject({
    id: 'my-digits.v1',
    contract: { dimensions: 800, normalization: 'unit' },
  });
  const vector = await extractor.extract(recordOf(await grayDigit().png().toBuffer()));
  expect(vector.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 5);
});
