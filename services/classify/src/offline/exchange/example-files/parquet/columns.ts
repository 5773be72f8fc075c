/** The columns of a Parquet file of examples, and the metadata key of the header. */
export const metadataKey = 'headwater.set';

const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const;
const required = { repetition_type: 'REQUIRED' } as const;

/** Written columns; only `group` may be null. */
export const columns = [
  { name: 'extractor', ...text, ...required },
  { name: 'task', ...text, ...required },
  { name: 'imageId', ...text, ...required },
  { name: 'label', ...text, ...required },
  { name: 'assignedAt', type: 'INT64', converted_type: 'TIMESTAMP_MILLIS', ...required },
  { name: 'annotator', ...text, ...required },
  { name: 'group', ...text, repetition_type: 'OPTIONAL' },
  { name: 'vector', type: 'BYTE_ARRAY', ...required },
] as const;

export type Column = (typeof columns)[number]['name'];
