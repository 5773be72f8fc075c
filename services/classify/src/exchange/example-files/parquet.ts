/**
 * Parquet, for data frames and warehouses: one column a field, the vector as bytes (int16, little-endian), what the set is in the file's
 * key-value metadata. A row group of a thousand rows is in memory at a time, of files that others have made one of theirs.
 */
import { asyncBufferFromFile, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { fileWriter, ParquetWriter } from 'hyparquet-writer';
import { encodeNumbers } from '../../join/image-bytes.ts';
import type { ExampleFormat, SetHeader, WritableExample } from './api.ts';
import { checkHeader, checkRow, fail, headerOf, type RawRow } from './row.ts';

const metadataKey = 'headwater.set';
const rowsOfGroup = 1000;
/** A larger row group of somebody else's file is refused: it would have to be in memory as a whole. */
const mostGroupBytes = 256 * 1024 * 1024;

const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const;
const required = { repetition_type: 'REQUIRED' } as const;

/** What is written; `group` alone may be null. */
const columns = [
  { name: 'extractor', ...text, ...required },
  { name: 'task', ...text, ...required },
  { name: 'imageId', ...text, ...required },
  { name: 'label', ...text, ...required },
  { name: 'assignedAt', type: 'INT64', converted_type: 'TIMESTAMP_MILLIS', ...required },
  { name: 'annotator', ...text, ...required },
  { name: 'group', ...text, repetition_type: 'OPTIONAL' },
  { name: 'vector', type: 'BYTE_ARRAY', ...required },
] as const;

type Column = (typeof columns)[number]['name'];

export const parquetFile: ExampleFormat = {
  name: 'parquet',
  extensions: ['.parquet'],

  async write(path, header, examples) {
    const writer = new ParquetWriter({
      writer: fileWriter(path),
      schema: [{ name: 'Example', num_children: columns.length }, ...columns],
      kvMetadata: [{ key: metadataKey, value: JSON.stringify(header) }],
      createdBy: 'headwater',
      statistics: false,
    });
    for await (const rows of groupsOf(examples)) {
      const columnData = columns.map(({ name }) => ({ name, data: rows.map((row) => cellOf(row, name)) }));
      await writer.write({ columnData, rowGroupSize: rowsOfGroup });
    }
    await writer.finish();
  },

  async readHeader(path) {
    return readHeader(await openFile(path));
  },

  async *read(path) {
    const file = await openFile(path);
    const header = await readHeader(file);
    let number = 0;
    for await (const row of rawRows(file)) yield checkRow(row, header, `row ${++number}`);
  },
};

async function* groupsOf(examples: AsyncIterable<WritableExample>): AsyncGenerator<WritableExample[]> {
  let rows: WritableExample[] = [];
  for await (const example of examples) {
    rows.push(example);
    if (rows.length < rowsOfGroup) continue;
    yield rows;
    rows = [];
  }
  // A file without rows has an empty group: readers want to see the columns.
  yield rows;
}

function cellOf(row: WritableExample, column: Column): unknown {
  if (column === 'vector') return new Uint8Array(encodeNumbers(row.vector));
  return column === 'assignedAt' ? new Date(row.assignedAt) : row[column];
}

interface OpenedFile {
  readonly file: Awaited<ReturnType<typeof asyncBufferFromFile>>;
  readonly metadata: FileMetaData;
}

async function openFile(path: string): Promise<OpenedFile> {
  const file = await asyncBufferFromFile(path);
  const metadata = await tell('the file', () => parquetMetadataAsync(file), 'is cut short, or not Parquet');
  checkRowGroups(metadata);
  return { file, metadata };
}

/** Errors: record-invalid, with what to do about it. */
export function checkRowGroups({ row_groups }: Pick<FileMetaData, 'row_groups'>): void {
  for (const [index, { total_byte_size: bytes }] of row_groups.entries()) {
    if (bytes <= BigInt(mostGroupBytes)) continue;
    const size = `${bytes / 1024n ** 2n} MiB, and it would be in memory as a whole (at most ${mostGroupBytes / 1024 ** 2} MiB)`;
    fail(`row group ${index + 1}`, `has ${size}: write the file with smaller ones, e.g. row_group_size=1000`);
  }
}

async function readHeader(opened: OpenedFile): Promise<SetHeader> {
  const stated = opened.metadata.key_value_metadata?.find(({ key }) => key === metadataKey)?.value;
  if (stated !== undefined) return parseHeader(stated);
  for await (const row of rawRows(opened)) return headerOf(row, 'row 1');
  return headerOf(undefined, 'the file');
}

/** A group of rows after the other. */
async function* rawRows({ file, metadata }: OpenedFile): AsyncGenerator<RawRow> {
  const known = new Set<string>(columns.map(({ name }) => name));
  const present = metadata.schema.slice(1).map(({ name }) => name);
  const wanted = present.filter((name) => known.has(name));
  let start = 0;
  for (const { num_rows } of metadata.row_groups) {
    const end = start + Number(num_rows);
    if (end === start) continue;
    const range = { file, metadata, columns: wanted, rowStart: start, rowEnd: end };
    const where = `rows ${start + 1} to ${end}`;
    yield* await tell(where, () => parquetReadObjects({ ...range, utf8: false }));
    start = end;
  }
}

function parseHeader(stated: string): SetHeader {
  const where = `metadata ${metadataKey}`;
  let header: RawRow;
  try {
    header = JSON.parse(stated) as RawRow;
  } catch {
    return fail(where, 'is not JSON');
  }
  return checkHeader(header, where);
}

/** The library's words for what is damaged, with the place in front. */
async function tell<T>(
  where: string,
  read: () => Promise<T>,
  what = 'cannot be read as Parquet',
): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    return fail(where, `${what} (${why.slice(0, 200)})`);
  }
}
