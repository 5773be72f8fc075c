/**
 * Parquet, for data frames and warehouses: one column a field, the vector as bytes (int16, little-endian),
 * the header in the key-value metadata. One row group is in memory at a time: of a thousand rows, or as the
 * file of another program has it.
 */
import { fileWriter, ParquetWriter } from 'hyparquet-writer';
import { encodeNumbers } from '../../../../join/state/image-bytes.ts';
import type { ExampleFormat, SetHeader, WritableExample } from '../api.ts';
import { checkHeader, checkRow, fail, headerOf, type RawRow } from '../row.ts';
import { type Column, columns, metadataKey } from './columns.ts';
import { readInThread } from './reader-thread.ts';

const rowsOfGroup = 1000;

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
    for await (const { header } of readSet(path)) return header;
    return headerOf(undefined, 'the file');
  },

  async *read(path) {
    let number = 0;
    for await (const { header, rows } of readSet(path)) {
      for (const row of rows) yield checkRow(row, header, `row ${++number}`);
    }
  },
};

interface SetPart {
  readonly header: SetHeader;
  readonly rows: readonly RawRow[];
}

async function* readSet(path: string): AsyncGenerator<SetPart> {
  let header: SetHeader | undefined;
  for await (const { stated, rows } of readInThread(path)) {
    if (header === undefined && stated !== undefined) header = parseHeader(stated);
    if (header === undefined && rows.length > 0) header = headerOf(rows[0], 'row 1');
    if (header !== undefined) yield { header, rows };
  }
  if (header === undefined) headerOf(undefined, 'the file');
}

async function* groupsOf(examples: AsyncIterable<WritableExample>): AsyncGenerator<WritableExample[]> {
  let rows: WritableExample[] = [];
  for await (const example of examples) {
    rows.push(example);
    if (rows.length < rowsOfGroup) continue;
    yield rows;
    rows = [];
  }
  // A file without rows has an empty group, for readers that expect the columns.
  yield rows;
}

function cellOf(row: WritableExample, column: Column): unknown {
  if (column === 'vector') return new Uint8Array(encodeNumbers(row.vector));
  return column === 'assignedAt' ? new Date(row.assignedAt) : row[column];
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
