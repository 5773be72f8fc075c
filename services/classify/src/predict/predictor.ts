/**
 * Answers one vector for every task that is asked of it. A task is asked of the vectors of its serving head's
 * extractor; while none serves, of the first extractor, so that every image gets its answer.
 */
import type { ImageClassified } from '@headwater/schemas';
import type { ServingHead, ServingHeads } from './serving-heads.ts';

/** More classes than this are not all listed in a prediction. */
const listedClasses = 100;

export interface PredictorOptions {
  readonly serving: Pick<ServingHeads, 'get' | 'tasks'>;
  /** In order of preference. */
  readonly extractors: readonly string[];
  /** Tasks that are answered before they have a head. */
  readonly declaredTasks: readonly string[];
}

export interface VectorToClassify {
  readonly imageId: string;
  readonly extractor: string;
  readonly numbers: Int16Array;
  readonly receivedAt: number;
}

export type Predictor = (vector: VectorToClassify, now: number) => ImageClassified[];

export function createPredictor(options: PredictorOptions): Predictor {
  const { serving, extractors, declaredTasks } = options;
  return (vector, now) => {
    const tasks = new Set([...declaredTasks, ...serving.tasks()]);
    const predictions: ImageClassified[] = [];
    for (const task of tasks) {
      const head = serving.get(task);
      const asked =
        head !== undefined && extractors.includes(head.extractor) ? head.extractor : extractors[0];
      if (asked !== vector.extractor) continue;
      predictions.push(classify(vector, task, head, now));
    }
    return predictions;
  };
}

/** A head whose extractor or dimensions do not fit the vector is never used. */
export function classify(
  vector: VectorToClassify,
  task: string,
  head: ServingHead | undefined,
  now: number,
): ImageClassified {
  const { imageId, extractor, numbers, receivedAt } = vector;
  const common = { imageId, task, extractor, receivedAt, predictedAt: now };
  if (head === undefined || head.extractor !== extractor || head.classifier.dimensions !== numbers.length) {
    return { ...common, head: null, label: null, probabilities: {}, novelty: null };
  }
  const { label, probabilities, novelty } = head.classifier.predict(numbers);
  const { kind, version, digest } = head;
  const listed = listProbabilities(head.classifier.classes, probabilities);
  return { ...common, head: { kind, version, digest }, label, probabilities: listed, novelty };
}

function listProbabilities(classes: readonly string[], probabilities: Float64Array): Record<string, number> {
  const all = classes.map((name, index) => [name, probabilities[index] ?? 0] as const);
  if (all.length <= listedClasses) return Object.fromEntries(all);
  return Object.fromEntries(all.sort((a, b) => b[1] - a[1]).slice(0, listedClasses));
}
