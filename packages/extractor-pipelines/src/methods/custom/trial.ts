/**
 * What a user's own module is shown before the first record. A stream should not find out that it throws, hangs, answers another number of
 * numbers, or answers the same value otherwise from call to call, or from thread to thread.
 */
import { HeadwaterError } from '@headwater/errors';
import { readOptions, type Value, type ValueType } from '@headwater/extractors';
import sharp from 'sharp';
import { z } from 'zod';

const side = 32;
const words = z.string().max(10_000);

/** Every shade, no plain plane. */
function shades(length: number, step: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * step) % 256);
}

async function trialImage(step: number): Promise<Uint8Array> {
  const raw = { width: side, height: side, channels: 3 } as const;
  return await sharp(shades(side * side * 3, step), { raw })
    .png()
    .toBuffer();
}

const vectorTrial = z.union([
  z
    .int()
    .min(1)
    .max(65_536)
    .transform((length) => Array.from({ length }, (_, index) => (index % 7) / 7)),
  z.array(z.number()).min(1).max(65_536),
]);

/** Two different values of a type; `given` is what the chain's file says in `trial`. Errors: config-invalid. */
export async function trialValues(type: ValueType, given: unknown): Promise<readonly [Value, Value]> {
  if (type === 'record') {
    const attributes = readOptions(z.record(z.string(), words).default({}), given);
    const images = [await trialImage(31), await trialImage(17)] as const;
    return [
      { type, record: { image: images[0], attributes } },
      { type, record: { image: images[1], attributes } },
    ];
  }
  if (type === 'pixels') {
    const shape = { height: side, width: side, channels: 3 } as const;
    const length = side * side * 3;
    return [
      { type, data: shades(length, 31), ...shape },
      { type, data: shades(length, 17), ...shape },
    ];
  }
  return otherValues(type, given);
}

function otherValues(type: Exclude<ValueType, 'record' | 'pixels'>, given: unknown): readonly [Value, Value] {
  if (type === 'missing') return [{ type }, { type }];
  if (type === 'number') {
    const number = readOptions(z.number().default(1.5), given ?? undefined);
    return [
      { type, number },
      { type, number: number + 1 },
    ];
  }
  if (type === 'tokens') {
    const tokens = readOptions(z.array(words), given ?? ['a', 'trial']);
    return [
      { type, tokens },
      { type, tokens: [...tokens, 'more'] },
    ];
  }
  if (type === 'vector') {
    if (given === undefined) {
      const message = 'trial: a module that takes vectors is tried with one: say how many numbers it has';
      throw new HeadwaterError('config-invalid', message);
    }
    const vector = Float32Array.from(readOptions(vectorTrial, given));
    return [
      { type, vector },
      { type, vector: vector.map((entry) => entry + 1) },
    ];
  }
  const text = readOptions(words, given ?? 'a trial');
  const both = [text, `${text} more`];
  return type === 'text'
    ? [
        { type, text: both[0] ?? '' },
        { type, text: both[1] ?? '' },
      ]
    : [
        { type, category: both[0] ?? '' },
        { type, category: both[1] ?? '' },
      ];
}

function refuse(message: string): never {
  throw new HeadwaterError('model-invalid', message);
}

function checkVector(vector: Float32Array, dimensions: number): void {
  if (vector.length !== dimensions) {
    refuse(`The module answers ${vector.length} numbers to a trial value, not ${dimensions}.`);
  }
  if (!vector.every(Number.isFinite)) refuse('The module answers NaN or infinity to a trial value.');
}

function isSame(one: Float32Array, other: Float32Array): boolean {
  return one.length === other.length && one.every((entry, index) => Object.is(entry, other[index]));
}

type Run = (value: Value) => Promise<Float32Array>;

/** Shows both values to one thread, the first one again, and to another thread. Errors: model-invalid. */
export async function runTrial(
  [value, other]: readonly [Value, Value],
  dimensions: number,
  one: Run,
  fresh: Run,
): Promise<void> {
  const first = await one(value);
  checkVector(first, dimensions);
  checkVector(await one(other), dimensions);
  if (!isSame(await one(value), first)) {
    refuse(
      'The module answers otherwise when it sees the same value again: it must not keep state, draw at random, or read the clock.',
    );
  }
  if (!isSame(await fresh(value), first)) {
    refuse(
      'The module answers otherwise when it is loaded again: it must not draw at random or read the clock.',
    );
  }
}
