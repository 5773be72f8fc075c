import { HeadwaterError } from '@headwater/errors';
import { expect, it } from 'vitest';
import type { LogRecord } from '../api.ts';
import {
  deadLetterHeaders,
  deadLetterRecord,
  headersOf,
  originalHeaders,
  sourceHeaders,
} from './provenance.ts';

const record: LogRecord = {
  topic: 'vectors.x',
  partition: 2,
  offset: 7n,
  timestamp: 0,
  key: Buffer.from('k'),
  value: Buffer.from('v'),
  headers: {
    trace: Buffer.from('t'),
    [sourceHeaders.topic]: Buffer.from('images'),
    [deadLetterHeaders.stage]: Buffer.from('their own'),
  },
};

it('restores the headers of a record before it became a dead letter, including reserved names', () => {
  const error = new HeadwaterError('avro-invalid', 'cut short');
  const letter = headersOf(deadLetterRecord({ record, stage: 'decode', error }, 'vectors.x-dlt', 'join'));
  expect(letter[sourceHeaders.topic]?.toString()).toBe('vectors.x');
  expect(letter[deadLetterHeaders.stage]?.toString()).toBe('decode');
  expect(originalHeaders(letter)).toEqual(record.headers);
});
