/** The only package that knows Avro: records, schemas, vector contracts, codec and schema ids. */
export type * from './api.ts';
export type * from './records.ts';
