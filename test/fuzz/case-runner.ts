/**
 * Child process: runs the requested cases in order, and notes each before it begins, so that the one that
 * kills the process is known.
 */
import { openSync, writeSync } from 'node:fs';
import { createRandom } from '../chaos/random.ts';
import type { OpenTarget, Target } from './target.ts';
import { targetOf } from './targets/targets.ts';

export interface Order {
  readonly target: string;
  readonly seed: number;
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  /** File that names the present case. */
  readonly note: string;
  /** Replaces the generated inputs by this one, in base64. */
  readonly input?: string;
}

export type Report =
  | { readonly kind: 'done'; readonly index: number; readonly outcome: string }
  | { readonly kind: 'finding'; readonly index: number; readonly what: string; readonly input: string }
  | { readonly kind: 'memory'; readonly index: number; readonly bytes: number }
  | { readonly kind: 'end' };

/** Reports are batched to limit their cost. */
const reportEvery = 50;

/** The input of a case is a function of target, seed and index. */
export function inputOf(target: Target, open: OpenTarget, seed: number, index: number): Uint8Array {
  return open.generate(createRandom(seed, `${target.name} ${index}`), index);
}

/** Describes a fault of a case; undefined when its outcome is documented. */
export async function judge(
  target: Target,
  open: OpenTarget,
  input: Uint8Array,
): Promise<{ readonly outcome: string; readonly wrong: string | undefined }> {
  try {
    const outcome = await open.run(input);
    const wrong = target.documented.has(outcome) ? undefined : `undocumented outcome: ${outcome}`;
    return { outcome, wrong };
  } catch (thrown) {
    const error = thrown as Error;
    return { outcome: 'finding', wrong: error.name === 'Finding' ? error.message : String(error.stack) };
  }
}

/** Serves orders from the parent until it disconnects. */
export async function serveCases(): Promise<void> {
  let opened: { readonly name: string; readonly open: OpenTarget } | undefined;
  process.on('message', (order: Order) => {
    void (async () => {
      const target = targetOf(order.target);
      if (opened?.name !== order.target) opened = { name: order.target, open: await target.open() };
      await work(order, target, opened.open);
    })();
  });
  process.once('disconnect', () => process.exit(0));
  process.send?.({ kind: 'ready' });
}

async function work(order: Order, target: Target, open: OpenTarget): Promise<void> {
  const note = openSync(order.note, 'r+');
  let reports: Report[] = [];
  const flush = () => {
    process.send?.(reports);
    reports = [];
  };
  for (let index = order.from; index < order.to; index += 1) {
    writeSync(note, `${index}\n`.padStart(16), 0);
    const input =
      order.input === undefined
        ? inputOf(target, open, order.seed, index)
        : Buffer.from(order.input, 'base64');
    const { outcome, wrong } = await judge(target, open, input);
    if (wrong === undefined) reports.push({ kind: 'done', index, outcome });
    else {
      reports.push({ kind: 'finding', index, what: wrong, input: Buffer.from(input).toString('base64') });
    }
    if (wrong !== undefined || reports.length >= reportEvery) {
      reports.push({ kind: 'memory', index, bytes: process.memoryUsage.rss() });
      flush();
      // Yields to the event loop, so that its other work (sockets, timers) does not pile up.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  reports.push({ kind: 'end' });
  flush();
}
