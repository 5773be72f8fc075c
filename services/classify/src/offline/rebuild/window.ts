/** Computes the trainer's window from all examples at once instead of step by step. */
import { type StoredExample, timeDigits, timePosition } from '../../train/examples/example-bytes.ts';
import type { ExampleWindow } from '../../train/examples/example-window.ts';
import { openTemporaryStore } from '../temporary-store.ts';

export interface WindowOptions {
  /** Undefined: all examples count. */
  readonly window: ExampleWindow | undefined;
  /** Folder for the positions while they are counted. */
  readonly folder: string;
}

const written = 1_000;

/** The first position (see `timePosition`) inside the window; empty: all examples are inside. */
export function findWindowStart(
  examples: AsyncIterable<StoredExample>,
  { window, folder }: WindowOptions,
): Promise<string> {
  if (window === undefined) return Promise.resolve('');
  return 'span' in window
    ? startOfSpan(examples, window.span)
    : startOfNewest(examples, window.newest, folder);
}

export async function* insideWindow<T extends StoredExample>(
  examples: AsyncIterable<T>,
  start: string,
): AsyncGenerator<T> {
  for await (const example of examples) if (start === '' || timePosition(example) >= start) yield example;
}

async function startOfSpan(examples: AsyncIterable<StoredExample>, span: number): Promise<string> {
  let newest = Number.NEGATIVE_INFINITY;
  for await (const { assignedAt } of examples) newest = Math.max(newest, assignedAt);
  return Number.isFinite(newest) ? timeDigits(newest - span + 1) : '';
}

/** Positions are sorted on disk: a window may be larger than memory. */
async function startOfNewest(
  examples: AsyncIterable<StoredExample>,
  count: number,
  folder: string,
): Promise<string> {
  const { store, discard } = await openTemporaryStore(folder);
  try {
    let total = 0;
    let changes = new Map<string, Buffer>();
    for await (const example of examples) {
      changes.set(`${prefix}${timePosition(example)}`, Buffer.alloc(0));
      total++;
      if (changes.size < written) continue;
      await store.write(changes, new Map());
      changes = new Map();
    }
    await store.write(changes, new Map());
    let outside = total - count;
    for (const { key } of store.range(prefix)) if (outside-- <= 0) return key.slice(prefix.length);
    return '';
  } finally {
    await discard();
  }
}

const prefix = 'time/';
