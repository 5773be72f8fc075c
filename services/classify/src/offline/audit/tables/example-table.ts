/** The newest record of each example, on disk: its label as stored, and a digest of its vector. */
import { asDeadLetter, HeadwaterError } from '@headwater/errors';
import type { LogRecord } from '@headwater/log';
import { type Codec, classOfLabel, compositeKey, type Example, parseCompositeKey } from '@headwater/schemas';
import { vectorDigest } from '../../../join/state/image-bytes.ts';
import type { Draft, StateReader } from '../../../store/state.ts';
import { imageDigest } from './image-records.ts';

/** The label is that of its class, for records of any version. */
export interface KnownExample extends Omit<Example, 'vector'> {
  readonly vectorDigest: string;
  /** The place of the record. */
  readonly partition: number;
  readonly offset: string;
}

/** Ignores an unreadable record, as the trainer does. */
export async function putExample(draft: Draft, record: LogRecord, codec: Codec<Example>): Promise<void> {
  try {
    const key = record.key?.toString('utf8') ?? '';
    const [extractor, task, imageId] = parseCompositeKey(key);
    if (extractor === undefined || task === undefined || imageId === undefined) return;
    const example = record.value === null ? null : await codec.decode(record.value);
    draft.put(exampleKey(extractor, task, imageId), example === null ? null : encode(example, key, record));
  } catch (error) {
    asDeadLetter(error);
  }
}

export function knownExample(
  state: StateReader,
  extractor: string,
  task: string,
  imageId: string,
): KnownExample | undefined {
  const bytes = state.get(exampleKey(extractor, task, imageId));
  return bytes === undefined ? undefined : (JSON.parse(bytes.toString('utf8')) as KnownExample);
}

export function* knownExamples(state: StateReader, extractor: string): Generator<KnownExample> {
  for (const { value } of state.range(`example/${encodeURIComponent(extractor)}/`)) {
    yield JSON.parse(value.toString('utf8')) as KnownExample;
  }
}

function encode(example: Example, key: string, { partition, offset }: LogRecord): Buffer {
  const { vector, ...fields } = example;
  if (compositeKey(example.extractor, example.task, example.imageId) !== key) {
    throw new HeadwaterError('record-invalid', 'the key does not match the example');
  }
  const known: KnownExample = {
    ...fields,
    label: example.label === null ? null : classOfLabel(example.label),
    vectorDigest: vectorDigest(vector),
    partition,
    offset: String(offset),
  };
  return Buffer.from(JSON.stringify(known));
}

function exampleKey(extractor: string, task: string, imageId: string): string {
  return `example/${encodeURIComponent(extractor)}/${encodeURIComponent(task)}/${imageDigest(imageId)}`;
}
