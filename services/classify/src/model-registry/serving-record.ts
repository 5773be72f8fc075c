import type { LogRecord, OutgoingRecord } from '@headwater/log';
import type { Codec, HeadActivated } from '@headwater/schemas';
import { unpinHeader } from './heads-table.ts';

export interface ServingRecordOptions {
  readonly topics: { readonly serving: string };
  readonly serving: Codec<HeadActivated>;
}

/** The record that lets a head serve; null: no head serves the task. A champion replaces a pin only where `unpins` is set. */
export function servingRecord(
  task: string,
  activation: HeadActivated | null,
  { topics, serving }: ServingRecordOptions,
  { cause, unpins = false }: { readonly cause?: LogRecord | undefined; readonly unpins?: boolean } = {},
): OutgoingRecord {
  return {
    topic: topics.serving,
    key: task,
    value: activation === null ? null : serving.encode(activation),
    ...(unpins ? { headers: { [unpinHeader]: '1' } } : {}),
    ...(cause === undefined ? {} : { cause }),
  };
}
