/**
 * Which tasks an image will be asked: the declared ones and those that have a serving head. A request that waits
 * for its prediction waits for one answer to each of them.
 */
import type { HeadActivated, ImageClassified } from '@headwater/schemas';
import type { Complete } from './waits.ts';

export interface ServingTasks {
  activated(task: string, head: HeadActivated | undefined): void;
  /**
   * What completes a wait. A task is answered by any head, or without one, by the extractor that serves the task (any,
   * where none does). Where no task is known at all, the first prediction completes the wait.
   */
  completion(only?: string): Complete;
}

export function createServingTasks(declared: readonly string[]): ServingTasks {
  const serving = new Map<string, HeadActivated>();

  const answers = (task: string, prediction: ImageClassified): boolean => {
    if (prediction.task !== task) return false;
    const head = serving.get(task);
    return prediction.head !== null || !head || head.extractor === prediction.extractor;
  };

  return {
    activated(task, head) {
      if (head) serving.set(task, head);
      else serving.delete(task);
    },
    completion: (only) => (predictions) => {
      const tasks = only === undefined ? new Set([...declared, ...serving.keys()]) : new Set([only]);
      if (tasks.size === 0) return predictions.length > 0;
      return [...tasks].every((task) => predictions.some((prediction) => answers(task, prediction)));
    },
  };
}
