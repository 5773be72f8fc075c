/** The digits that a run sends, and its plan. */
import { createDigitsSource } from '../../demo/src/sources/digits.ts';
import { extractor, task } from './installation.ts';
import { createPlan, type Plan } from './plan.ts';

export interface DigitsStream {
  readonly plan: Plan;
  readonly count: number;
  readonly bytesOf: (index: number) => Buffer;
}

export function createDigitsStream(options: {
  readonly seed: number;
  readonly bursts: number;
  readonly imagesPerBurst: number;
}): DigitsStream {
  const { seed, bursts, imagesPerBurst } = options;
  const count = bursts * imagesPerBurst;
  const source = createDigitsSource({ task, extractor });
  const digits = [
    ...(source.images(count, seed * 1_000) as Iterable<{ bytes: Buffer; label: string | null }>),
  ];
  const plan = createPlan({
    seed,
    bursts,
    imagesPerBurst,
    truth: (index) => digits[index]?.label ?? '0',
    classes: Array.from({ length: 10 }, (_, digit) => String(digit)),
  });
  return { plan, count, bytesOf: (index) => digits[index]?.bytes ?? Buffer.alloc(0) };
}
