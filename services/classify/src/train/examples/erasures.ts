/**
 * Erasures of the examples of a partition. A head has learned the examples before its watermark, and an example is erased by a
 * tombstone at an offset: so the log shows which heads may have learned it.
 */
import type { LogRecord } from '@headwater/log';
import { parseCompositeKey } from '@headwater/schemas';
import { erasedKey, erasedMark } from '../../store/rewriting.ts';
import type { Draft, StateReader } from '../../store/state.ts';
import { setId } from './example-bytes.ts';

const erasedPrefix = 'erased/';

/** Identifies a training set. */
export interface SetName {
  readonly extractor: string;
  readonly task: string;
}

/** The last tombstone among the examples of a training set. */
export interface Erasure extends SetName {
  readonly offset: bigint;
}

/** Writes the erasure with the change that removes the example. */
export function recordErasure(draft: Draft, { extractor, task }: SetName, offset: bigint): void {
  const json = JSON.stringify({ extractor, task, offset: String(offset) });
  draft.put(`${erasedPrefix}${setId(extractor, task)}`, Buffer.from(json));
  draft.put(erasedKey, erasedMark);
}

/** The example that a tombstone erases; undefined for any other record. */
export function erasedExample({
  key,
  value,
}: LogRecord): (SetName & { readonly imageId: string }) | undefined {
  if (value !== null) return undefined;
  const [extractor, task, imageId] = parseCompositeKey(key?.toString('utf8') ?? '');
  if (extractor === undefined || task === undefined || imageId === undefined) return undefined;
  return { extractor, task, imageId };
}

export function readErasures(reader: StateReader): Erasure[] {
  return [...reader.range(erasedPrefix)].map(({ value }) => {
    const { extractor, task, offset } = JSON.parse(value.toString('utf8')) as Record<keyof Erasure, string>;
    return { extractor, task, offset: BigInt(offset) };
  });
}

/** Whether a head with this watermark may have learned an erased example. */
export function mayHaveLearned(erasures: readonly Erasure[], head: SetName, watermark: bigint): boolean {
  return erasures.some(
    ({ extractor, task, offset }) =>
      extractor === head.extractor && task === head.task && watermark <= offset,
  );
}
