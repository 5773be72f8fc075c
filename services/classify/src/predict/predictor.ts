/**
 * Predicts all tasks of one vector. A task uses vectors of its serving head's extractor, or else of the first
 * extractor, so that every image gets a prediction.
 */
import type { ImageClassified } from '@headwater/schemas';
import type { ServingHead, ServingHeads } from '../model-registry/serving-heads.ts';
import {
  answerOf,
  type DecisionPolicy,
  type DecisionPolicyOf,
  defaultDecisionPolicy,
} from './decision-policy.ts';

/** Maximum number of classes in a prediction. */
const listedClasses = 100;

export interface PredictorOptions {
  readonly serving: Pick<ServingHeads, 'get' | 'tasks'>;
  /** In order of preference. */
  readonly extractors: readonly string[];
  /** Tasks that are predicted before they have a head. */
  readonly declaredTasks: readonly string[];
  /** Default: the most probable class, always. */
  readonly rules?: DecisionPolicyOf;
}

export interface VectorToClassify {
  readonly imageId: string;
  readonly extractor: string;
  readonly numbers: Int16Array;
  readonly receivedAt: number;
}

export interface Predictor {
  /** Tasks that are predicted for every image now. */
  tasks(): Iterable<string>;
  /** The extractor whose vectors the task uses now. */
  asked(task: string): string | undefined;
  /** Of the head that serves the task now; left out where none ever does. */
  version?(task: string): number | undefined;
  /** Number of labelled examples behind the novelty of that head. */
  references?(task: string): number;
  answer(vector: VectorToClassify, task: string, now: number): ImageClassified;
}

export function createPredictor(options: PredictorOptions): Predictor {
  const { serving, extractors, declaredTasks, rules = () => defaultDecisionPolicy } = options;
  return {
    tasks: () => new Set([...declaredTasks, ...serving.tasks()]),
    asked: (task) => extractorForTask(serving.get(task)?.extractor, extractors),
    version: (task) => serving.get(task)?.version,
    references: (task) => serving.get(task)?.measurements.sample ?? 0,
    answer: (vector, task, now) => classify(vector, task, serving.get(task), now, rules(task)),
  };
}

/** The extractor of the serving head, or else the first extractor. */
export function extractorForTask(
  serving: string | undefined,
  extractors: readonly string[],
): string | undefined {
  return serving !== undefined && extractors.includes(serving) ? serving : extractors[0];
}

/** Ignores a head whose extractor or dimensions do not fit the vector. */
export function classify(
  vector: VectorToClassify,
  task: string,
  head: ServingHead | undefined,
  now: number,
  rules: DecisionPolicy = defaultDecisionPolicy,
): ImageClassified {
  const { imageId, extractor, numbers, receivedAt } = vector;
  const common = { imageId, task, extractor, receivedAt, predictedAt: now };
  if (head === undefined || head.extractor !== extractor || head.classifier.dimensions !== numbers.length) {
    return { ...common, head: null, label: null, abstained: false, probabilities: {}, novelty: null };
  }
  const { classifier, kind, version, digest, measurements } = head;
  const prediction = classifier.predict(numbers);
  const { label, abstained } = answerOf(prediction, classifier.classes, measurements, rules);
  const probabilities = listProbabilities(classifier.classes, prediction.probabilities);
  const identity = { kind, version, digest };
  return { ...common, head: identity, label, abstained, probabilities, novelty: prediction.novelty };
}

function listProbabilities(classes: readonly string[], probabilities: Float64Array): Record<string, number> {
  const all = classes.map((name, index) => [name, probabilities[index] ?? 0] as const);
  if (all.length <= listedClasses) return Object.fromEntries(all);
  return Object.fromEntries(all.sort((a, b) => b[1] - a[1]).slice(0, listedClasses));
}
