/** A file of labelled examples, in any format: a header that identifies the set, and rows. */
import type { Example } from '@headwater/schemas';

export interface SetHeader {
  readonly extractor: string;
  readonly task: string;
  readonly dimensions: number;
  /** Null where it is not stated. */
  readonly examples: number | null;
  /** Of the training set; null where it is not stated. */
  readonly setDigest: string | null;
}

/** A checked row. */
export interface ExampleRow {
  /** Its place, such as `line 7`. */
  readonly where: string;
  readonly imageId: string;
  readonly label: string;
  /** Milliseconds since the epoch. */
  readonly assignedAt: number;
  readonly annotator: string;
  readonly group: string | null;
  /** Quantised (int16, 8192 = 1.0), or from an extractor (float32). */
  readonly vector: Int16Array | Float32Array;
}

export interface WritableExample extends Example {
  readonly label: string;
}

/** A file format of examples. */
export interface ExampleFormat {
  readonly name: 'jsonl' | 'avro' | 'parquet';
  /** File name extensions, with the dot. */
  readonly extensions: readonly string[];
  /** Writes a whole file in bounded memory. Errors: those of the file system and of `examples`. */
  write(path: string, header: SetHeader, examples: AsyncIterable<WritableExample>): Promise<void>;
  /** Errors: record-invalid, avro-invalid, schema-incompatible, and those of the file system. */
  readHeader(path: string): Promise<SetHeader>;
  /** The checked rows in order. Errors: as `readHeader`, with the row. */
  read(path: string): AsyncIterable<ExampleRow>;
}
