/**
 * Trains heads of kind `mlp` with TensorFlow.js in the solver's thread, on the first backend that works. All
 * heads of a process use the same backend.
 */
import type { LayersTask, TrainLayers } from '@headwater/heads';

const batchSize = 64;
/** Few, since predictions wait for a provisional head. */
const provisionalSteps = 100;
/** Passes over all examples for a settled head, with a minimum and a maximum number of steps. */
const settledPasses = 3;
const fewestSettledSteps = 300;
const mostSettledSteps = 5_000;

let started: Promise<unknown> | undefined;

/** Loads TensorFlow.js at the first use, since it is large. Errors: prerequisite-missing. */
async function loadTraining() {
  const training = await import('@headwater/tfjs/training');
  started ??= training.startBackend();
  await started;
  return training;
}

function stepsFor({ mode, vectors }: LayersTask): number {
  if (mode === 'provisional') return provisionalSteps;
  const wanted = Math.ceil((settledPasses * vectors.length) / batchSize);
  return Math.min(mostSettledSteps, Math.max(fewestSettledSteps, wanted));
}

/** One hidden layer of this number of units, as LeNet has behind its cut. */
export function layersTrainer(units: number): TrainLayers {
  return async (task) => {
    const { trainDenseLayers } = await loadTraining();
    return trainDenseLayers(task, { units: [units], steps: stepsFor(task) });
  };
}
