import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quantize } from '@headwater/heads';
import { recordSchema, writeContainerFile } from '@headwater/schemas';
import fc from 'fast-check';
import { parquetWriteFile } from 'hyparquet-writer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ExampleRow, SetHeader, WritableExample } from './api.ts';
import { chooseFormat, exampleFormats } from './index.ts';
import { checkRowGroups } from './parquet/parts.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'headwater-files-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const dimensions = 6;
const header: SetHeader = {
  extractor: 'six.v1',
  task: 'digit',
  dimensions,
  examples: 5,
  setDigest: 'ab'.repeat(32),
};

function exampleOf(index: number): WritableExample {
  const numbers = Float32Array.from({ length: dimensions }, (_, at) => Math.sin(index * 3.3 + at));
  return {
    extractor: header.extractor,
    task: header.task,
    imageId: `bild/${index} ü`,
    label: index % 2 === 0 ? 'zwölf' : '"; ,',
    assignedAt: 1_700_000_000_000 + index,
    annotator: index % 3 === 0 ? '' : 'anna',
    group: index % 4 === 0 ? null : `g${index}`,
    vector: quantize(numbers),
  };
}

async function* stream<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const plainRow = ({ where: _, vector, ...rest }: ExampleRow) => ({ ...rest, vector: [...vector] });
const plainExample = ({ extractor: _, task: __, vector, ...rest }: WritableExample) => ({
  ...rest,
  vector: [...vector],
});

describe.each(exampleFormats.map((format) => [format.name, format] as const))(
  'files of examples in %s',
  (name, format) => {
    const pathOf = (file = 'set') => join(folder, `${file}${format.extensions[0]}`);

    it('return what was written', async () => {
      const examples = Array.from({ length: 2_500 }, (_, index) => exampleOf(index));
      await format.write(pathOf(), { ...header, examples: 2_500 }, stream(examples));
      expect(await format.readHeader(pathOf())).toEqual({ ...header, examples: 2_500 });
      const rows = await collect(format.read(pathOf()));
      expect(rows.map(plainRow)).toEqual(examples.map(plainExample));
      expect(rows.every(({ vector }) => vector instanceof Int16Array)).toBe(true);
    });

    it('may be empty', async () => {
      await format.write(pathOf(), { ...header, examples: 0 }, stream([]));
      expect(await format.readHeader(pathOf())).toEqual({ ...header, examples: 0 });
      expect(await collect(format.read(pathOf()))).toEqual([]);
    });

    it('are selected by extension or by name', () => {
      expect(chooseFormat(`/a/b/x${format.extensions[0]?.toUpperCase()}`)).toBe(format);
      expect(chooseFormat('x.bin', name)).toBe(format);
      expect(() => chooseFormat('x.bin')).toThrow(expect.objectContaining({ code: 'request-invalid' }));
    });

    it('are rejected when truncated', async () => {
      await format.write(pathOf(), header, stream([0, 1, 2, 3, 4].map(exampleOf)));
      const sound = readFileSync(pathOf());
      writeFileSync(pathOf('cut'), sound.subarray(0, sound.length - 40));
      const code = name === 'avro' ? 'avro-invalid' : 'record-invalid';
      await expect(collect(format.read(pathOf('cut')))).rejects.toMatchObject({ code });
    });

    it('are rejected where the content is something else', async () => {
      for (const text of ['', 'rubbish that is no file of examples']) {
        writeFileSync(pathOf(), text);
        const code = name === 'avro' ? 'avro-invalid' : 'record-invalid';
        await expect(format.readHeader(pathOf())).rejects.toMatchObject({ code });
        const missing = format.readHeader(pathOf('missing'));
        await expect(missing).rejects.toMatchObject({ code: 'ENOENT' });
      }
    });
  },
);

// For Parquet: parquet/reader-thread.test.ts.
describe.each(
  exampleFormats.filter(({ name }) => name !== 'parquet').map((format) => [format.name, format] as const),
)('files of examples in %s', (_, format) => {
  it('are rejected, or give the same rows, after any byte was altered', async () => {
    const path = join(folder, 'set');
    await format.write(path, header, stream([0, 1, 2, 3, 4].map(exampleOf)));
    const sound = readFileSync(path);
    await fc.assert(
      fc.asyncProperty(fc.nat(sound.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const damaged = Buffer.from(sound);
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        writeFileSync(path, damaged);
        const outcome = await collect(format.read(path)).then(
          () => 'read',
          (error: { code?: string }) => error.code,
        );
        // Undetected alterations are left to the set digest.
        expect(['read', 'record-invalid', 'avro-invalid', 'schema-incompatible']).toContain(outcome);
      }),
      { numRuns: 150 },
    );
  });
});

describe('files of other programs', () => {
  const lines = (...rows: object[]) => {
    const path = join(folder, 'own.jsonl');
    const first = {
      format: 'headwater-examples',
      formatVersion: 1,
      extractor: 'six.v1',
      task: 'digit',
      dimensions: 3,
    };
    writeFileSync(path, [first, ...rows].map((row) => JSON.stringify(row)).join('\r\n'));
    return collect(chooseFormat(path).read(path));
  };
  const row = { imageId: 'a', label: 'x', assignedAt: 1_700_000_000_005, vector: [1, 0, 0.5] };

  it('may have vectors as lists of numbers, and omit optional fields', async () => {
    const [read] = await lines(row);
    expect(read).toEqual({
      where: 'line 2',
      imageId: 'a',
      label: 'x',
      assignedAt: 1_700_000_000_005,
      annotator: '',
      group: null,
      vector: Float32Array.of(1, 0, 0.5),
    });
  });

  it.each([
    [{ ...row, imageId: '' }, 'line 3: image id is missing'],
    [{ ...row, imageId: undefined }, 'line 3: image id is missing'],
    [{ ...row, imageId: 7 }, 'line 3: image id must be text'],
    [{ ...row, imageId: 'ü'.repeat(513) }, 'line 3: image id is longer than 1024 bytes of UTF-8'],
    [{ ...row, imageId: 'a\u0000' }, 'line 3: image id has control characters, or half of a surrogate pair'],
    [{ ...row, label: null }, 'line 3: label must be a text in quotation marks, not null'],
    [{ ...row, label: 'x'.repeat(256) }, 'line 3: label is longer than 255 bytes of UTF-8 (256)'],
    [{ ...row, label: 'x\u200b' }, 'line 3: label has an invisible character (U+200B)'],
    [{ ...row, assignedAt: 'yesterday' }, 'line 3: assignedAt must be whole milliseconds since 1970'],
    [
      { ...row, assignedAt: 1_700_000_000 },
      'line 3: assignedAt must be milliseconds since 1970, and 1700000000 is not: it may be in seconds',
    ],
    [{ ...row, vector: [1, 2] }, 'line 3: the vector has 2 dimensions, not 3'],
    [{ ...row, vector: [1, 2, null] }, 'line 3: vector has entries that are not numbers'],
    [{ ...row, vector: 'AAA' }, 'line 3: vector is not base64'],
    [{ ...row, vector: 'AAAAAAD/fw==' }, 'line 3: vector does not consist of int16 values'],
    [
      { ...row, vector: Buffer.from(Int16Array.of(1, 2, 8193).buffer).toString('base64') },
      'line 3: vector has entries beyond ±8192',
    ],
    [{ ...row, task: 'another' }, 'line 3: task is not digit'],
  ])('are rejected with the line and the reason: %#', async (wrong, message) => {
    await expect(lines(row, wrong)).rejects.toMatchObject({ code: 'record-invalid', message });
  });

  it('need no metadata in Avro and Parquet: the first row identifies the set', async () => {
    const example = { ...exampleOf(1), vector: Buffer.from(exampleOf(1).vector.buffer) };
    const avro = join(folder, 'own.avro');
    writeFileSync(
      avro,
      Buffer.concat(await collect(writeContainerFile(recordSchema('Example'), {}, [example]))),
    );
    const parquet = join(folder, 'own.parquet');
    const { vector: _, assignedAt, ...texts } = exampleOf(1);
    const columnData = Object.entries(texts).map(([field, value]) => ({
      name: field,
      data: [value],
      type: 'STRING' as const,
    }));
    parquetWriteFile({
      filename: parquet,
      columnData: [
        ...columnData,
        { name: 'assignedAt', data: [BigInt(assignedAt)], type: 'INT64' },
        { name: 'vector', data: [[...exampleOf(1).vector]] },
        { name: 'something else', data: [1] },
      ],
    });
    for (const path of [avro, parquet]) {
      const format = chooseFormat(path);
      expect(await format.readHeader(path)).toEqual({ ...header, examples: null, setDigest: null });
      const [read] = await collect(format.read(path));
      expect(read === undefined ? undefined : plainRow(read)).toEqual(plainExample(exampleOf(1)));
    }
  });
});

describe('a Parquet file of another program', () => {
  it('is rejected where a row group exceeds the memory limit', () => {
    const group = (bytes: bigint) => ({ columns: [], total_byte_size: bytes, num_rows: 1n });
    expect(() => checkRowGroups({ row_groups: [group(2n ** 28n)] })).not.toThrow();
    expect(() => checkRowGroups({ row_groups: [group(5n), group(2n ** 31n)] })).toThrow(
      /^row group 2: has 2048 MiB.*row_group_size=1000/,
    );
  });

  it('is rejected when it is truncated or no Parquet', async () => {
    const path = join(folder, 'empty.parquet');
    for (const bytes of ['', 'not Parquet at all']) {
      writeFileSync(path, bytes);
      await expect(chooseFormat(path).readHeader(path)).rejects.toMatchObject({
        code: 'record-invalid',
        message: expect.stringMatching(/^the file: is cut short, or not Parquet/),
      });
    }
  });
});
