/** The parts of a Parquet file: the stated header, then the rows. One row group is in memory at a time. */
import { asyncBufferFromFile, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { fail, type RawRow } from '../row.ts';
import { columns, metadataKey } from './columns.ts';

/** Maximum size of a row group, which must be in memory as a whole. */
const mostGroupBytes = 256 * 1024 * 1024;
const rowsOfPart = 1000;

export interface ParquetPart {
  /** The set's header as JSON; undefined without one. */
  readonly stated: string | undefined;
  /** Empty in the first part. */
  readonly rows: readonly RawRow[];
}

interface OpenedFile {
  readonly file: Awaited<ReturnType<typeof asyncBufferFromFile>>;
  readonly metadata: FileMetaData;
}

/** Errors: record-invalid, with the place in the file. */
export async function* readParts(path: string): AsyncGenerator<ParquetPart> {
  const file = await asyncBufferFromFile(path);
  const metadata = await withReason('the file', 'is cut short, or not Parquet', () =>
    parquetMetadataAsync(file),
  );
  checkRowGroups(metadata);
  const stated = metadata.key_value_metadata?.find(({ key }) => key === metadataKey)?.value;
  yield { stated, rows: [] };
  for await (const group of rowGroups({ file, metadata })) {
    for (let start = 0; start < group.length; start += rowsOfPart) {
      yield { stated, rows: group.slice(start, start + rowsOfPart).map(withOwnBytes) };
    }
  }
}

/** Errors: record-invalid, with the remedy. */
export function checkRowGroups({ row_groups }: Pick<FileMetaData, 'row_groups'>): void {
  for (const [index, { total_byte_size: bytes }] of row_groups.entries()) {
    if (bytes <= BigInt(mostGroupBytes)) continue;
    const size = `${bytes / 1024n ** 2n} MiB, and it would be in memory as a whole (at most ${mostGroupBytes / 1024 ** 2} MiB)`;
    fail(`row group ${index + 1}`, `has ${size}: write the file with smaller ones, e.g. row_group_size=1000`);
  }
}

async function* rowGroups({ file, metadata }: OpenedFile): AsyncGenerator<RawRow[]> {
  const known = new Set<string>(columns.map(({ name }) => name));
  const present = metadata.schema.slice(1).map(({ name }) => name);
  const wanted = present.filter((name) => known.has(name));
  let start = 0;
  for (const { num_rows } of metadata.row_groups) {
    const end = start + Number(num_rows);
    if (end === start) continue;
    const range = { file, metadata, compressors, columns: wanted, rowStart: start, rowEnd: end };
    const where = `rows ${start + 1} to ${end}`;
    yield await withReason(where, 'cannot be read as Parquet', () =>
      parquetReadObjects({ ...range, utf8: false }),
    );
    start = end;
  }
}

/** Copies bytes, since a view would transfer its whole row group to the other thread. */
function withOwnBytes(row: RawRow): RawRow {
  const own = ([name, value]: [string, unknown]) => [
    name,
    value instanceof Uint8Array ? value.slice() : value,
  ];
  return Object.fromEntries(Object.entries(row).map(own));
}

/** Adds the place to an error of the library. */
async function withReason<T>(where: string, what: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    return fail(where, `${what} (${why.slice(0, 200)})`);
  }
}
