/**
 * The tasks of an image: the declared ones and those with a serving head. A request with wait=prediction waits for
 * one prediction of each.
 */
import type { HeadActivated, ImageClassified } from '@headwater/schemas';
import type { Complete } from './prediction-waits.ts';

export interface ServingTasks {
  activated(task: string, head: HeadActivated | undefined): void;
  /**
   * The condition that completes a wait that begins now; tasks that get their first head later do not count. A task
   * is complete with the prediction of a head, or, without a head, of the extractor that serves the task (of any,
   * where none does). Without any known task the first prediction completes the wait.
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
      const completes = (task: string, { head, extractor, ...prediction }: ImageClassified): boolean => {
        if (prediction.task !== task) return false;
        // Without a head, the extractor that served when the image came, or the one that serves since.
        return (
          head !== null ||
          [expected.get(task), serving.get(task)].some((one) => (one ?? extractor) === extractor)
        );
      };
      return (predictions) => {
        if (tasks.size === 0) return predictions.length > 0;
        return [...tasks].every((task) => predictions.some((prediction) => completes(task, prediction)));
      };
    },
  };
}
