import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { efficientnetLite2 } from './table/efficientnet-lite2.ts';
import { lenetDigits } from './table/lenet-digits.ts';
import { describeWeights, extractorIds } from './table/table.ts';
import { readWeights } from './weights.ts';

it('names the command that creates weights that do not ship', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'weights-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const models = pathToFileURL(`${folder}/`);
  await expect(readWeights(efficientnetLite2, models)).rejects.toMatchObject({
    code: 'model-invalid',
    message: expect.stringContaining('run npm run models -- efficientnet-lite2.v1 to create them'),
  });
  const shipped = await readWeights(lenetDigits, models).catch((error: Error) => error.message);
  expect(shipped).not.toContain('npm run models');
});

it('rejects weights of another version', async () => {
  const other = { ...lenetDigits, weights: { ...lenetDigits.weights, sha256: '0'.repeat(64) } };
  await expect(readWeights(other)).rejects.toMatchObject({
    code: 'model-invalid',
    context: { expected: '0'.repeat(64) },
  });
});

it('has a recipe for all weights that name the command', async () => {
  const path = new URL('../../../models/models.json', import.meta.url);
  const made = Object.keys(JSON.parse(await readFile(path, 'utf8')));
  for (const id of made) expect(describeWeights(id).sha256).toMatch(/^[0-9a-f]{64}$/);
  const nets = extractorIds().filter((id) => id !== 'pixels.v1');
  const named = nets.filter((id) => describeWeights(id).madeBy === `npm run models -- ${id}`);
  expect(named).toEqual(['efficientnet-lite2.v1']);
  expect(made).toEqual(expect.arrayContaining(named));
});
