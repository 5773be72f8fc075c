/** Every fault of a user-supplied module is reported at start or costs one record. */
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Value } from '@headwater/extractors';
import { describe, expect, it, onTestFinished } from 'vitest';
import { custom } from './custom.ts';

const module = fileURLToPath(new URL('./fixtures/mean-colour.mjs', import.meta.url));
const red: Value = { type: 'pixels', data: Uint8Array.of(255, 0, 0), height: 1, width: 1, channels: 3 };
const blue: Value = { type: 'pixels', data: Uint8Array.of(0, 0, 255), height: 1, width: 1, channels: 3 };

async function open(more: object = {}) {
  const stage = await custom.open({ module, dimensions: 3, takes: 'pixels', ...more }, undefined);
  onTestFinished(() => stage.close?.());
  return stage;
}

/** A module written for one test. */
async function moduleOf(source: string, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'own-module-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'own.mjs');
  await writeFile(path, source);
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return path;
}

describe('a user-supplied module', () => {
  it('returns vectors', async () => {
    const stage = await open({ options: { scale: 2 } });
    expect(await stage.apply(red)).toEqual({ type: 'vector', vector: Float32Array.of(2, 0, 0) });
    expect(await stage.apply(blue)).toEqual({ type: 'vector', vector: Float32Array.of(0, 0, 2) });
  });

  it('has no access to the environment of the service', async () => {
    const stage = await open({ options: { fault: 'environment' } });
    expect(await stage.apply(red)).toEqual({ type: 'vector', vector: Float32Array.of(0, 0, 0) });
  });

  it('gets a copy of an image without the rest of its buffer', async () => {
    const own = await moduleOf(
      'export const extract = ({ image }) => [image.buffer.byteLength, image.fill(9).length];',
    );
    const stage = await open({ module: own, takes: 'record', dimensions: 2 });
    const image = Buffer.from('others, image, others').subarray(8, 13);
    const given = await stage.apply({ type: 'record', record: { image, attributes: {} } });
    expect(given).toEqual({ type: 'vector', vector: Float32Array.of(5, 5) });
    expect(image.toString()).toBe('image');
  });

  it('gives the same bits in several threads', async () => {
    const stage = await open({ threads: 3 });
    const values = Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? red : blue));
    const given = await Promise.all(values.map(async (value) => await stage.apply(value)));
    const expected = [await stage.apply(red), await stage.apply(blue)];
    expect(given).toEqual(values.map((_, index) => expected[index % 2]));
  });
});

describe('at start', () => {
  it.each([
    ['open', 'no colours today'],
    ['throw', 'no such colour'],
    ['hang', 'did not respond within 300 ms'],
    ['never', 'did not respond within 300 ms'],
    ['exit', 'ended its thread with code 3'],
    ['NaN', 'NaN or infinity'],
    ['short', 'returns 1 numbers for a trial value, not 3'],
    ['text', 'an entry that is not a number'],
    ['nothing', 'not return a list of numbers'],
    ['state', 'not deterministic: same value, different vector'],
    ['random', 'not deterministic'],
  ])('rejects a module with the fault %s', async (fault, reason) => {
    const opening = open({ options: { fault }, timeout: 0.3 });
    await expect(opening).rejects.toMatchObject({ code: 'model-invalid', verdict: 'stop' });
    await expect(opening).rejects.toThrow(reason);
  });

  it('rejects a module that exceeds its memory limit', async () => {
    const opening = open({ options: { fault: 'memory' }, memory: 16, timeout: 30 });
    await expect(opening).rejects.toThrow('needs more than 16 MiB of memory');
  });

  it.each([
    ['is not there', '/nowhere/own.mjs', 'cannot be read'],
    ['does not parse', 'export function extract( {', 'cannot be used'],
    ['exports something else', 'export const extractor = 1;', 'does not export a function `extract'],
    [
      'never loads',
      'await new Promise(() => {}); export const extract = 1;',
      'ended its thread with code 13',
    ],
  ])('rejects a module that %s', async (_, source, reason) => {
    const path = source.startsWith('/') ? source : await moduleOf(source);
    const opening = open({ module: path });
    await expect(opening).rejects.toMatchObject({ code: 'model-invalid' });
    await expect(opening).rejects.toThrow(new RegExp(reason));
  });

  it('requires the dimensions of vectors that a module takes', async () => {
    await expect(open({ takes: 'vector' })).rejects.toMatchObject({ code: 'config-invalid' });
    const double = await moduleOf('export const extract = (vector) => vector.map((x) => 2 * x);');
    const stage = await open({ module: double, takes: 'vector', trial: 3 });
    const given = await stage.apply({ type: 'vector', vector: Float32Array.of(1, 2, 3) });
    expect(given).toEqual({ type: 'vector', vector: Float32Array.of(2, 4, 6) });
  });
});

describe('a user-supplied module with a record', () => {
  const source = `export function extract({ attributes }) {
    if (attributes.do === 'throw') throw new Error('not this one');
    if (attributes.do === 'hang') for (;;);
    if (attributes.do === 'exit') process.exit(1);
    if (attributes.do === 'die later') setTimeout(() => process.exit(1), 20);
    if (attributes.do === 'NaN') return [NaN];
    return attributes.do === 'more' ? [1, 2] : [7];
  }`;
  const record = (what: string): Value => ({
    type: 'record',
    record: { image: new Uint8Array(), attributes: { do: what } },
  });
  const seven = { type: 'vector', vector: Float32Array.of(7) };

  it.each(['throw', 'hang', 'exit', 'NaN', 'more'])(
    'fails only for that record with the fault %s',
    async (fault) => {
      const own = await moduleOf(source);
      const stage = await open({ module: own, takes: 'record', dimensions: 1, timeout: 0.3 });
      const calls = ['fine', fault, 'fine'].map(async (what) => await stage.apply(record(what)));
      const [before, bad, after] = await Promise.allSettled(calls);
      expect(before).toMatchObject({ value: seven });
      expect(bad).toMatchObject({ reason: { code: 'extractor-failed', verdict: 'dead-letter' } });
      expect(after).toMatchObject({ value: seven });
    },
  );

  it('loses no record to a thread that ends because of an earlier one', async () => {
    const own = await moduleOf(source);
    const stage = await open({ module: own, takes: 'record', dimensions: 1 });
    expect(await stage.apply(record('die later'))).toEqual(seven);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await stage.apply(record('fine'))).toEqual(seven);
  });

  it('does not replace an ended thread with a changed module', async () => {
    const own = await moduleOf(source);
    const stage = await open({ module: own, takes: 'record', dimensions: 1 });
    await writeFile(own, `${source}\n// changed`);
    await expect(async () => await stage.apply(record('exit'))).rejects.toMatchObject({
      code: 'model-invalid',
      verdict: 'stop',
    });
  });
});

describe('the digest of a user-supplied module', () => {
  it('covers the module and the files of `covers`, and lists the others as notices', async () => {
    const source = "import { k } from './other.mjs';\nexport const extract = () => [k];";
    const path = await moduleOf(source, { 'other.mjs': 'export const k = 1;' });
    const other = path.replace('own.mjs', 'other.mjs');
    const given = { module: path, takes: 'pixels', dimensions: 1 };
    const bare = await open(given);
    const covered = await open({ ...given, covers: [other] });
    expect(bare).toMatchObject({
      notes: ['own.mjs loads ./other.mjs, which the digest does not cover (option covers)'],
    });
    expect(covered).toMatchObject({ notes: [] });
    await writeFile(other, 'export const k = 2;');
    expect((await open(given)).digest).toBe(bare.digest);
    expect((await open({ ...given, covers: [other] })).digest).not.toBe(covered.digest);
    const copy = path.replace('own.mjs', 'copy.mjs');
    await copyFile(path, copy);
    expect((await open({ ...given, module: copy })).digest).toBe(bare.digest);
    await writeFile(copy, `${source}\n`);
    expect((await open({ ...given, module: copy })).digest).not.toBe(bare.digest);
  });
});
