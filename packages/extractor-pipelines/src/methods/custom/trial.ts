/**
 * The trial of a user-supplied module before the first record. It detects a module that throws, hangs, returns the wrong number
 * of numbers, or is not deterministic from call to call or from thread to thread.
 */
import { HeadwaterError } from '@headwater/errors';
import { readOptions, type Value, type ValueType } from '@headwater/extractors';
import sharp from 'sharp';
import { z } from 'zod';

const side = 32;
const words = z.string().max(10_000);

/** Covers every shade and has no constant area. */
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

/** Two different values of a type; `given` is `trial` of the chain's file. Errors: config-invalid. */
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
      const message = 'trial: state the number of dimensions for a module that takes vectors';
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
    refuse(`the module returns ${vector.length} numbers for a trial value, not ${dimensions}`);
  }
  if (!vector.every(Number.isFinite)) refuse('the module returns NaN or infinity for a trial value');
}

function isSame(one: Float32Array, other: Float32Array): boolean {
  return one.length === other.length && one.every((entry, index) => Object.is(entry, other[index]));
}

type Run = (value: Value) => Promise<Float32Array>;

/** Runs both values in one thread, the first one again, and in another thread. Errors: model-invalid. */
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
      'the module is not deterministic: same value, different vector; it must not keep state, use random numbers, or read the clock',
    );
  }
  if (!isSame(await fresh(value), first)) {
    refuse(
      'the module is not deterministic: different vector after a reload; it must not use random numbers or read the clock',
    );
  }
}
