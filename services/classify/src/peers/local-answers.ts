/** Answers of this process, from its own partitions alone. */
import { type ReviewCandidate, rankForReview } from '@headwater/heads';
import { EventLoopBudget } from '../event-loop.ts';
import type { JoinMetrics } from '../join/monitoring/join-metrics.ts';
import type { JoinReader, UnlabelledImage } from '../join/monitoring/join-reader.ts';
import type { ServingHead } from '../model-registry/serving-heads.ts';
import type { OpenTrainingSets } from '../train/examples/open-training-sets.ts';
import type { TrainMetrics } from '../train/scoring/train-metrics.ts';
import {
  type Answer,
  type AnswersByQuestion,
  encodeVector,
  type QuestionKind,
  type QuestionParameters,
} from './questions.ts';

export interface LocalAnswersOptions {
  readonly joinMetrics: JoinMetrics;
  readonly join: JoinReader;
  readonly trainMetrics: TrainMetrics;
  readonly openTrainingSets: OpenTrainingSets;
  /** Errors: not-found, head-not-ready. */
  requireHead(task: string): ServingHead;
}

export class LocalAnswers {
  readonly #options: LocalAnswersOptions;

  constructor(options: LocalAnswersOptions) {
    this.#options = options;
  }

  /** Errors: not-found, head-not-ready. */
  answer<K extends QuestionKind>(
    kind: K,
    { task = '', limit = 0, imageId = '', extractor = '' }: QuestionParameters,
  ): Promise<AnswersByQuestion[K]> {
    const { joinMetrics, join, trainMetrics } = this.#options;
    const only = task === '' ? undefined : task;
    const answers: { [K in QuestionKind]: () => Promise<AnswersByQuestion[K]> } = {
      join: async () => ({ ...this.#joined(join.partitions()), ...joinMetrics.part(only) }),
      train: async () => ({
        partitions: this.#options.openTrainingSets.partitions(),
        asOf: Date.now(),
        series: trainMetrics.seriesOf(only),
      }),
      outcomes: () => this.#gathered(async () => ({ outcomes: await join.outcomes(task) })),
      predictions: () => this.#gathered(async () => ({ predictions: await join.predictions(task, limit) })),
      next: () => this.#gathered(() => this.#next(task, limit)),
      image: () => this.#gathered(async () => join.image(imageId)),
      vector: () => this.#gathered(async () => ({ vector: this.#vector(imageId, extractor) })),
    };
    return answers[kind]() as Promise<AnswersByQuestion[K]>;
  }

  /** A partition that was revoked or assigned while it was read is not covered. */
  async #gathered<T extends object>(read: () => Promise<T>): Promise<Answer & T> {
    const before = new Set(this.#options.join.partitions());
    const answer = await read();
    return { ...this.#joined(this.#options.join.partitions().filter((one) => before.has(one))), ...answer };
  }

  #joined(partitions: readonly number[]): Answer {
    return { partitions, asOf: Date.now() };
  }

  #vector(imageId: string, extractor: string): string | null {
    const numbers = this.#options.join.vector(imageId, extractor);
    return numbers === undefined ? null : encodeVector(numbers);
  }

  async #next(task: string, limit: number) {
    const head = this.#options.requireHead(task);
    const images = await this.#options.join.unlabelled(task, head.extractor);
    const { judged, labels } = await judge(images, head);
    return {
      considered: judged.length,
      images: rankForReview(judged, limit).map((one) => ({
        ...one,
        label: labels.get(one.imageId) ?? null,
      })),
    };
  }
}

async function judge(images: readonly UnlabelledImage[], { classifier }: ServingHead) {
  const judged: ReviewCandidate[] = [];
  const labels = new Map<string, string>();
  const eventLoop = new EventLoopBudget();
  for (const { imageId, numbers } of images) {
    await eventLoop.yieldIfDue();
    if (numbers.length !== classifier.dimensions) continue;
    const { label, probabilities, novelty } = classifier.predict(numbers);
    judged.push({ imageId, probabilities, novelty });
    labels.set(imageId, label);
  }
  return { judged, labels };
}
