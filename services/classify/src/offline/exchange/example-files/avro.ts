/**
 * Avro object container files with the schema of the topic `examples`, readable by any Avro tool; files of
 * other tools with that schema can be imported. The file's metadata has the header.
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { readContainerFile, readContainerHeader, recordSchema, writeContainerFile } from '@headwater/schemas';
import { encodeNumbers } from '../../../join/state/image-bytes.ts';
import type { ExampleFormat, SetHeader, WritableExample } from './api.ts';
import { checkHeader, checkRow, fail, headerOf, type RawRow } from './row.ts';

const metadataKey = 'headwater.set';

export const avroFile: ExampleFormat = {
  name: 'avro',
  extensions: ['.avro'],

  async write(path, header, examples) {
    const metadata = { [metadataKey]: JSON.stringify(header) };
    const pieces = writeContainerFile(recordSchema('Example'), metadata, recordsOf(examples));
    // Opened first: a stream that fails to open would create its file after the failure was reported.
    const file = await open(path, 'w');
    await pipeline(pieces, file.createWriteStream());
  },

  async readHeader(path) {
    const { metadata } = await readContainerHeader(createReadStream(path));
    const stated = metadata[metadataKey];
    if (stated !== undefined) return parseHeader(stated);
    for await (const row of rawRows(path)) return headerOf(row, 'record 1');
    return headerOf(undefined, 'the file');
  },

  async *read(path) {
    const header = await this.readHeader(path);
    let number = 0;
    for await (const row of rawRows(path)) yield checkRow(row, header, `record ${++number}`);
  },
};

async function* recordsOf(examples: AsyncIterable<WritableExample>): AsyncGenerator<object> {
  for await (const example of examples) yield { ...example, vector: encodeNumbers(example.vector) };
}

function rawRows(path: string): AsyncIterable<RawRow> {
  return readContainerFile(createReadStream(path), recordSchema('Example')) as AsyncIterable<RawRow>;
}

function parseHeader(text: string): SetHeader {
  try {
    return checkHeader(JSON.parse(text) as RawRow, `metadata ${metadataKey}`);
  } catch (error) {
    if (error instanceof SyntaxError) fail(`metadata ${metadataKey}`, 'is not JSON');
    throw error;
  }
}
