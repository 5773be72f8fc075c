/**
 * How heads of kind `mlp` learn: TensorFlow.js trains their layers, in the solver's thread, on the first backend that works there. Whatever
 * came of that choice is the same for every head of the process.
 */
import type { LayersTask, TrainLayers } from '@headwater/heads';

const batchSize = 64;
/** A provisional head is waited for. */
const provisionalSteps = 100;
/** Passes over all examples of a settled head, in at least and at most so many steps. */
const settledPasses = 3;
const fewestSettledSteps = 300;
const mostSettledSteps = 5_000;

let started: Promise<unknown> | undefined;

/** TensorFlow.js is large: it is loaded for the first head that needs it. Errors: prerequisite-missing. */
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

/** One hidden layer of so many units, as LeNet has behind its cut. */
export function layersTrainer(units: number): TrainLayers {
  return async (task) => {
    const { trainDenseLayers } = await loadTraining();
    return trainDenseLayers(task, { units: [units], steps: stepsFor(task) });
  };
}
