/** The file formats of example sets. */
import { extname } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import type { ExampleFormat } from './api.ts';
import { avroFile } from './avro.ts';
import { jsonLines } from './json-lines.ts';
import { parquetFile } from './parquet/parquet-file.ts';

export type * from './api.ts';

export const exampleFormats: readonly ExampleFormat[] = [jsonLines, avroFile, parquetFile];

/** By name if given, else by the file's extension. Errors: request-invalid. */
export function chooseFormat(path: string, name?: string): ExampleFormat {
  const extension = extname(path).toLowerCase();
  const found = exampleFormats.find((format) =>
    name === undefined ? format.extensions.includes(extension) : format.name === name,
  );
  if (found !== undefined) return found;
  const known = exampleFormats.map((format) => `${format.name} (${format.extensions.join(', ')})`).join(', ');
  throw new HeadwaterError('request-invalid', `unknown format of ${path}; use one of ${known}`);
}
