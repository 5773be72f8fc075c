/**
 * The plan of a run and its expected result: images in bursts, labels before or after their image, corrected and
 * retracted ones, repeated and reordered ones. The winning label of each image follows from the plan alone.
 */
import { createRandom, type Random } from './random.ts';

export interface ImageOperation {
  readonly kind: 'image';
  readonly imageId: string;
  /** Index of the image in the plan. */
  readonly index: number;
  /** A label of the source, sent with the image. */
  readonly label: string | null;
}

export interface LabelOperation {
  readonly kind: 'label';
  readonly imageId: string;
  /** null retracts. */
  readonly label: string | null;
  /** Milliseconds since the start of the stream. */
  readonly assignedAt: number;
  readonly annotator: string;
}

export type Operation = ImageOperation | LabelOperation;

export interface Plan {
  readonly bursts: readonly (readonly Operation[])[];
  /** The winning label by image id; null where it was retracted. Images without a label are left out. */
  readonly winners: ReadonlyMap<string, string | null>;
}

export interface PlanOptions {
  readonly seed: number;
  readonly bursts: number;
  readonly imagesPerBurst: number;
  /** The true label of each image, by index. */
  readonly truth: (index: number) => string;
  readonly classes: readonly string[];
}

/** Probabilities of the events of an image. */
const share = {
  known: 0.05,
  labelled: 0.9,
  wrong: 0.12,
  corrected: 0.15,
  retracted: 0.08,
  givenAgain: 0.4,
  twice: 0.03,
};
const annotators = ['anna', 'ben', 'chris'];
/** Bursts between an image and its labels. */
const longestDelay = 2;

export function createPlan(options: PlanOptions): Plan {
  const random = createRandom(options.seed, 'plan');
  const bursts: Operation[][] = Array.from({ length: options.bursts }, () => []);
  const book = new Winners();
  let clock = 0;
  const put = (burst: number, operation: Operation) => {
    bursts[Math.min(burst, options.bursts - 1)]?.push(operation);
    book.state(operation);
  };
  for (let burst = 0; burst < options.bursts; burst++) {
    for (let place = 0; place < options.imagesPerBurst; place++) {
      const index = burst * options.imagesPerBurst + place;
      for (const { delay, operation } of life(options, random, index, () => ++clock))
        put(burst + delay, operation);
    }
  }
  return { bursts: bursts.map((burst) => random.shuffle(burst)), winners: book.winners() };
}

interface Planned {
  readonly delay: number;
  readonly operation: Operation;
}

/** The events of one image. */
function life(options: PlanOptions, random: Random, index: number, tick: () => number): Planned[] {
  const imageId = `image-${String(index).padStart(6, '0')}`;
  const truth = options.truth(index);
  const guess = () => (random.chance(share.wrong) ? random.pick(options.classes) : truth);
  const known = random.chance(share.known) ? guess() : null;
  const image: ImageOperation = { kind: 'image', imageId, index, label: known };
  const planned: Planned[] = [{ delay: 0, operation: image }];
  if (random.chance(share.twice)) planned.push({ delay: random.integer(0, longestDelay), operation: image });
  const say = (label: string | null): void => {
    const operation: LabelOperation = {
      kind: 'label',
      imageId,
      label,
      assignedAt: tick(),
      annotator: random.pick(annotators),
    };
    planned.push({ delay: random.integer(0, longestDelay), operation });
    if (random.chance(share.twice)) planned.push({ delay: random.integer(0, longestDelay), operation });
  };
  if (!random.chance(share.labelled)) return planned;
  say(guess());
  if (random.chance(share.corrected)) say(truth);
  if (random.chance(share.retracted)) {
    say(null);
    if (random.chance(share.givenAgain)) say(truth);
  }
  return planned;
}

/** The rule of the product, implemented independently: a person before the source, then the later time. Times are distinct. */
class Winners {
  readonly #known = new Map<string, string>();
  readonly #said = new Map<string, LabelOperation>();

  state(operation: Operation): void {
    const { imageId } = operation;
    if (operation.kind === 'image') {
      if (operation.label !== null) this.#known.set(imageId, operation.label);
      return;
    }
    const before = this.#said.get(imageId);
    if (before === undefined || operation.assignedAt > before.assignedAt) this.#said.set(imageId, operation);
  }

  winners(): Map<string, string | null> {
    const winners = new Map<string, string | null>(this.#known);
    for (const [imageId, { label }] of this.#said) winners.set(imageId, label);
    return winners;
  }
}
