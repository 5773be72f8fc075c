import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quantize } from '@headwater/heads';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parquetFile } from './parquet-file.ts';
import { readInThread } from './reader-thread.ts';

const header = { extractor: 'two.v1', task: 'digit', dimensions: 2, examples: 3, setDigest: null };

let folder: string;
let path: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'headwater-parquet-'));
  path = join(folder, 'set.parquet');
  await parquetFile.write(path, header, examples());
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function* examples() {
  for (const index of [0, 1, 2]) {
    const group = index === 1 ? null : `g${index}`;
    const vector = quantize(Float32Array.of(index, 1));
    const { extractor, task } = header;
    yield {
      extractor,
      task,
      imageId: `${index}`,
      label: 'a',
      assignedAt: index,
      annotator: '',
      group,
      vector,
    };
  }
}

async function countRows(silence?: number): Promise<number> {
  let count = 0;
  for await (const { rows } of readInThread(path, silence)) count += rows.length;
  return count;
}

describe('the thread that reads Parquet', () => {
  it('reports every failure of the library on an altered byte', async () => {
    const sound = readFileSync(path);
    await fc.assert(
      fc.asyncProperty(fc.nat(sound.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const damaged = Buffer.from(sound);
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        writeFileSync(path, damaged);
        const outcome = await countRows(1_000).then(
          () => 'read',
          (error: { code?: string }) => error.code,
        );
        expect(['read', 'record-invalid']).toContain(outcome);
      }),
      { numRuns: 30 },
    );
  });

  it('is ended where a file would keep it busy for ever', async () => {
    copyFileSync(join(import.meta.dirname, 'fixtures/endless.parquet'), path);
    await expect(countRows(1_000)).rejects.toMatchObject({
      code: 'record-invalid',
      message: expect.stringMatching(/^the file: returned no row in time/),
    });
  });
});

/** pyarrow's `write_table(…, compression=name)`: 40 rows of two.v1, vectors as lists of float32. */
it.each(['none', 'snappy', 'gzip', 'zstd', 'brotli', 'lz4'])(
  'reads Parquet of pyarrow with compression %s',
  async (name) => {
    const rows = [];
    for await (const row of parquetFile.read(join(import.meta.dirname, `fixtures/${name}.parquet`)))
      rows.push(row);
    expect(rows).toHaveLength(40);
    expect(rows[39]).toMatchObject({
      imageId: 'image 39',
      label: 'b',
      assignedAt: 1_700_000_000_039,
      vector: Float32Array.of(39, 1),
    });
  },
);
