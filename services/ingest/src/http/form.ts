/**
 * Parses `multipart/form-data` with one or several files, and fields that apply to all of them. The body is in
 * memory, so it was limited before.
 */
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import { HeadwaterError } from '@headwater/errors';

export interface Form {
  readonly files: readonly Buffer[];
  readonly fields: Readonly<Record<string, string>>;
}

const MAX_FIELDS = 64;
const MAX_FIELD_BYTES = 8 * 1024;

/** Errors: request-invalid for no file, too many parts, a repeated field, a malformed form. */
export function parseForm(body: Buffer, contentType: string, maxFiles: number): Promise<Form> {
  return new Promise((resolve, reject) => {
    const files: Buffer[][] = [];
    const fields = new Map<string, string>();
    const fail = (detail: string) => reject(new HeadwaterError('request-invalid', detail));
    const parser = openParser(contentType, maxFiles, fail);
    if (!parser) return;
    parser.on('file', (_name, file) => {
      const chunks: Buffer[] = [];
      files.push(chunks);
      file.on('data', (chunk: Buffer) => chunks.push(chunk));
      file.on('error', (error) => fail(`cannot read the form: ${error.message}`));
    });
    parser.on('field', (name, value, nameCut, valueCut) => {
      if (nameCut || valueCut || fields.has(name)) fail('a field of the form is repeated or too long');
      // The parser replaces invalid bytes with U+FFFD, which would map several ids to one.
      if (value.includes('\ufffd')) fail('a field of the form is not UTF-8');
      fields.set(name, value);
    });
    for (const limit of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const) {
      parser.on(limit, () => fail(`the form has more than ${maxFiles} files or ${MAX_FIELDS} fields`));
    }
    parser.on('error', (error) => fail(`cannot read the form: ${(error as Error).message}`));
    parser.on('finish', () => {
      if (files.length === 0) fail('the form has no file');
      resolve({ files: files.map(joined), fields: Object.fromEntries(fields) });
    });
    parser.end(body);
  });
}

/** The parser throws when the header has no boundary. */
function openParser(
  contentType: string,
  maxFiles: number,
  fail: (detail: string) => void,
): BusboyInstance | undefined {
  try {
    return new Busboy({
      headers: { 'content-type': contentType },
      limits: {
        files: maxFiles,
        fields: MAX_FIELDS,
        fieldSize: MAX_FIELD_BYTES,
        parts: maxFiles + MAX_FIELDS,
        headerPairs: 16,
      },
    });
  } catch (error) {
    fail(`cannot read the form: ${(error as Error).message}`);
    return undefined;
  }
}

const joined = (chunks: readonly Buffer[]): Buffer =>
  chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
