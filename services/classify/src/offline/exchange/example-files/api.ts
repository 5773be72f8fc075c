/** What a file of labelled examples is, whatever its format: a header that says what set it holds, and rows. */
import type { Example } from '@headwater/schemas';

export interface SetHeader {
  readonly extractor: string;
  readonly task: string;
  readonly dimensions: number;
  /** Null where the file does not say. */
  readonly examples: number | null;
  /** Of the labelled set; null where the file does not say. */
  readonly setDigest: string | null;
}

/** One row that was read and checked. */
export interface ExampleRow {
  /** Where it stands, e.g. `line 7`. */
  readonly where: string;
  readonly imageId: string;
  readonly label: string;
  /** Milliseconds since the epoch. */
  readonly assignedAt: number;
  readonly annotator: string;
  readonly group: string | null;
  /** Quantised (int16, 8192 = 1.0), or as an extractor gave it (float32). */
  readonly vector: Int16Array | Float32Array;
}

export interface WritableExample extends Example {
  readonly label: string;
}

/** One format of such files. */
export interface ExampleFormat {
  readonly name: 'jsonl' | 'avro' | 'parquet';
  /** Of file names, with the dot. */
  readonly extensions: readonly string[];
  /** Writes a whole file, a bounded part of it in memory. Errors: those of the file system and of `examples`. */
  write(path: string, header: SetHeader, examples: AsyncIterable<WritableExample>): Promise<void>;
  /** Errors: record-invalid, avro-invalid, schema-incompatible, and those of the file system. */
  readHeader(path: string): Promise<SetHeader>;
  /** The rows in order, checked one by one. Errors: as `readHeader`, with the row that is wrong. */
  read(path: string): AsyncIterable<ExampleRow>;
}
