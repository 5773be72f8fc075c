/**
 * Which tasks an image will be asked: the declared ones and those that have a serving head. A request that waits
 * for its prediction waits for one answer to each of them.
 */
import type { HeadActivated, ImageClassified } from '@headwater/schemas';
import type { Complete } from './prediction-waits.ts';

export interface ServingTasks {
  activated(task: string, head: HeadActivated | undefined): void;
  /**
   * What completes a wait that begins now: a task that gets its first head later is not waited for. A task is answered by any head, or
   * without one, by the extractor that serves the task (any, where none does). Where no task is known at all, the first prediction
   * completes the wait.
   */
  completion(only?: string): Complete;
}

export function createServingTasks(declared: readonly string[]): ServingTasks {
  const serving = new Map<string, string>();
  return {
    activated(task, head) {
      if (head) serving.set(task, head.extractor);
      else serving.delete(task);
    },
    completion(only) {
      const tasks = only === undefined ? new Set([...declared, ...serving.keys()]) : new Set([only]);
      const expected = new Map([...tasks].map((task) => [task, serving.get(task)]));
      const isAnswer = (task: string, { head, extractor, ...prediction }: ImageClassified): boolean => {
        if (prediction.task !== task) return false;
        // Without a head, the extractor that served when the image came, or the one that serves since.
        return (
          head !== null ||
          [expected.get(task), serving.get(task)].some((one) => (one ?? extractor) === extractor)
        );
      };
      return (predictions) => {
        if (tasks.size === 0) return predictions.length > 0;
        return [...tasks].every((task) => predictions.some((prediction) => isAnswer(task, prediction)));
      };
    },
  };
}
