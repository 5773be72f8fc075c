/** `headwater extractor`, as a user meets it: listing, trying, fitting from folders and files, in parts, and wrong usage. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodePng } from '@headwater/demo/sources';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../../program.ts';
import { Interruption } from '../../terminal/console.ts';
import { createTestConsole } from '../../testing/test-console.ts';

let folder = '';
const chain = `
id: look.v1
description: Shades and a price.
chain:
  - branches:
      look: [{ method: pixel-vector, size: 2, colour: gray }, standardized-vector]
      price: [{ method: field, name: price, as: number }, numeric-vector, missing-imputed]
`;

function picture(seed: number): Buffer {
  return encodePng({ width: 2, height: 2, pixels: Uint8Array.of(seed, 255 - seed, (seed * 7) % 256, 9) });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headwater-extractor-command-'));
  await mkdir(join(folder, 'photos', 'red'), { recursive: true });
  const lines: string[] = [];
  for (let index = 0; index < 9; index += 1) {
    await writeFile(join(folder, 'photos', 'red', `${index}.png`), picture(index * 20));
    const price = index === 4 ? {} : { price: String(index) };
    lines.push(JSON.stringify({ image: `photos/red/${index}.png`, attributes: price }));
  }
  const inline = `data:image/png;base64,${picture(7).toString('base64')}`;
  lines.push(JSON.stringify({ image: inline, attributes: { price: '3' } }), '');
  await writeFile(join(folder, 'all.jsonl'), lines.join('\n'));
  await writeFile(join(folder, 'one.jsonl'), lines.slice(0, 4).join('\n'));
  const bad = ['{"image": "nowhere.png"}', 'no JSON', '{"attributes": {"price": 7}}'];
  await writeFile(join(folder, 'two.jsonl'), [...lines.slice(4), ...bad].join('\n'));
  await writeFile(join(folder, 'photos', 'notes.txt'), 'not a picture');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(args: readonly string[], signal?: AbortSignal) {
  const console = createTestConsole({}, signal);
  const code = await runProgram(['node', 'headwater', 'extractor', ...args], console);
  return { code, out: console.out(), err: console.err() };
}

/** The chain under an id of its own, so that it learns for itself. */
async function chainFile(id: string): Promise<string> {
  const path = join(folder, `${id}.yaml`);
  await writeFile(path, chain.replace('look.v1', id));
  return path;
}

const at = (name: string) => join(folder, name);

describe('headwater extractor', () => {
  it('lists extractors and methods', async () => {
    const { code, out } = await run(['list']);
    expect(code).toBe(0);
    expect(out).toMatch(/lenet-digits\.v1 +800 numbers/);
    expect(out).toMatch(/tfidf +tokens, missing → vector +learns/);
    const listed = JSON.parse((await run(['list', '--json'])).out);
    expect(listed.methods.map(({ method }: { method: string }) => method)).toContain('automatic');
  });

  it('describes an extractor of the table, and prints its vector', async () => {
    expect((await run(['describe', 'pixels.v1'])).out).toMatch(/dimensions +3072\n/);
    const { code, out } = await run(['try', 'lenet-digits.v1', at('photos/red/3.png'), '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ id: 'lenet-digits.v1', vector: expect.any(Array) });
  });

  it('fits a chain, which can then be described and tried', async () => {
    const path = await chainFile('whole.v1');
    expect(await run(['describe', path])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/extractor fit/),
    });
    const { code, out, err } = await run(['fit', path, '--from', at('all.jsonl')]);
    expect({ code, err }).toMatchObject({ code: 0, err: expect.stringMatching(/pass 1: chain\.0\.look\.1/) });
    expect(out).toMatch(/whole\.v1: learned, kept in .*whole\.v1\.fitted\.json/);
    expect(out).toMatch(/chain\.0\.price\.2 missing-imputed: 10 records, digest [0-9a-f]{64}/);
    expect((await run(['fit', path, '--from', at('all.jsonl')])).out).toMatch(/nothing is left to learn/);
    const described = JSON.parse((await run(['describe', path, '--json'])).out);
    expect(described).toMatchObject({ id: 'whole.v1', dimensions: 5, notes: [] });
    const tried = await run(['try', path, at('photos/red/3.png'), '--attribute', 'price=8', '--json']);
    expect(JSON.parse(tried.out).vector.at(-1)).toBe(8);
    const text = await run(['try', path, at('photos/red/3.png')]);
    expect(text.out).toMatch(/whole\.v1: 5 numbers in [\d.]+ ms, norm [\d.]+\n/);
  });

  it('fits in parts the same as one process, and names skipped records', async () => {
    const [whole, parts] = [await chainFile('together.v1'), await chainFile('parts.v1')];
    await run(['fit', whole, '--from', at('one.jsonl'), at('two.jsonl')]);
    for (const name of ['one', 'two']) {
      const { code, err } = await run([
        'fit',
        parts,
        '--from',
        at(`${name}.jsonl`),
        '--part',
        at(`${name}.part`),
      ]);
      expect(code).toBe(0);
      if (name === 'one') continue;
      expect(err).toMatch(/skipped .*two\.jsonl:\d+: cannot read the image nowhere\.png/);
      expect(err).toMatch(/the line is not JSON/);
      expect(err).toMatch(/attributes are texts/);
    }
    const merged = await run(['merge', parts, at('one.part'), at('two.part')]);
    expect(merged).toMatchObject({ code: 0, out: expect.stringMatching(/all links have learned/) });
    const [one, other] = await Promise.all(
      ['together.v1', 'parts.v1'].map((id) => readFile(at(`${id}.fitted.json`), 'utf8')),
    );
    expect(other?.replace('parts.v1', 'together.v1')).toBe(one);
  });

  it('fits to a folder, and skips files that are no images', async () => {
    const path = at('folder.yaml');
    await writeFile(path, 'id: folder.v1\nchain: [{ method: pixel-vector, size: 2 }, standardized-vector]\n');
    const { code, out, err } = await run(['fit', path, '--from', at('photos'), '--json']);
    expect({ code, err }).toMatchObject({ code: 0, err: expect.stringMatching(/skipped notes\.txt/) });
    expect(JSON.parse(out)).toMatchObject({ fitted: [{ place: 'chain.1', records: 9 }] });
    const limited = await run(['fit', path, '--from', at('photos'), '--again', '--limit', '5', '--json']);
    expect(JSON.parse(limited.out)).toMatchObject({ fitted: [{ records: expect.any(Number) }] });
  });

  it('ends with Ctrl-C’s exit code, and leaves nothing half done', async () => {
    const path = await chainFile('stopped.v1');
    const abort = new AbortController();
    abort.abort(new Interruption('SIGINT'));
    expect(await run(['fit', path, '--from', at('all.jsonl')], abort.signal)).toMatchObject({
      code: 130,
      out: '',
    });
    await expect(readFile(at('stopped.v1.fitted.json'))).rejects.toThrow('ENOENT');
  });

  it.each<[string, string[], RegExp]>([
    ['no sample', ['fit', 'look.yaml'], /--from/],
    ['a sample that is not there', ['fit', '$chain', '--from', 'nowhere'], /cannot read the sample nowhere/],
    [
      'a sample of another kind',
      ['fit', '$chain', '--from', '$chain'],
      /expected a folder, a \.jsonl file, or topic/,
    ],
    ['a limit of nothing', ['fit', '$chain', '--from', '.', '--limit', '0'], /at least 1/],
    ['no such extractor file', ['describe', 'nowhere.yaml'], /nowhere\.yaml cannot be read/],
    ['no such image', ['try', 'pixels.v1', 'nowhere.png'], /cannot read the image .*nowhere\.png/],
    ['an attribute without a value', ['try', 'pixels.v1', 'a.png', '--attribute', 'price'], /price=7\.5/],
    ['a part that is none', ['merge', '$chain', '$chain'], /is not a part of this version|is truncated/],
  ])('says what is wrong with %s', async (_, args, reason) => {
    const path = await chainFile('wrong.v1');
    const { code, err } = await run(args.map((arg) => arg.replace('$chain', path)));
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringMatching(reason) });
  });
});
