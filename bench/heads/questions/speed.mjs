/**
 * How many labels a second one core takes into the statistics, and how long a solve takes, beside what others need for the same work. The
 * sides take turns, so that a machine that slows down slows both; each figure is the median over the turns. All of it is processor time of the
 * whole process (collecting garbage and compiling count), so that waiting for other programs does not.
 */
import { loadavg } from 'node:os';
import { createTrainingSet, quantize, trainHead } from '@headwater/heads';
import { chooseKernel, scratchLength } from '../../../packages/heads/dist/kernel/kernel.js';
import { SufficientStatistics } from '../../../packages/heads/dist/training-set/sufficient-statistics.js';
import { round, seededUniform } from '../examples.mjs';
import { say } from '../progress.mjs';

const widths = [800, 1280, 2048];
const turns = 3;
const classes = 10;
const roundSeconds = 0.2;
const rounds = 3;
const distinct = 1024;
/** Above this load of the machine, figures depend mostly on its other work. */
const quietLoad = 1.5;

export const speed = {
  id: 'speed',
  title: 'labels a second and time of a solve at 800, 1280 and 2048 dimensions, on one core',
  measure,
};

async function measure({ python }) {
  const loadBefore = round(loadavg()[0] ?? 0, 2);
  if (loadBefore > quietLoad)
    say(`  the machine is busy (load ${loadBefore}): take these figures again when it is not`);
  const figures = {};
  for (const dimensions of widths) {
    const ours = [];
    const theirs = [];
    for (let turn = 0; turn < turns; turn++) {
      ours.push(measureOurs(dimensions, turn === 0));
      if (python !== null)
        theirs.push(await python.call('speed.py', { parameters: { dimensions, classes } }));
    }
    figures[dimensions] = { ...medians(ours), ...(python === null ? {} : medians(theirs)) };
    say(`  D = ${dimensions}: ${JSON.stringify(figures[dimensions])}`);
  }
  return {
    figures: { loadBefore, byDimensions: figures },
    targets: python === null ? [] : targetsOf(figures),
  };
}

function targetsOf(figures) {
  const ratio = (what, value, aim, met) => ({ what, value: round(value, 2), aim, met });
  const at = figures[1280];
  const against = (rate) => at.statistics / rate;
  return [
    ratio("statistics at 1280, times NumPy's", against(at.numpyGram), '≥ 1.5', against(at.numpyGram) >= 1.5),
    ratio(
      "statistics at 1280, times River's",
      against(at.riverSoftmax),
      '≥ 50',
      against(at.riverSoftmax) >= 50,
    ),
    ...widths.map((dimensions) => {
      const { choleskySeconds, numpyCholeskySeconds } = figures[dimensions];
      const times = choleskySeconds / numpyCholeskySeconds;
      return ratio(`Cholesky at ${dimensions}, times NumPy's`, times, '≤ 3', times <= 3);
    }),
  ];
}

/** Labels a second and seconds. */
function measureOurs(dimensions, withSettled) {
  const vectors = drawVectors(dimensions);
  const statistics = new SufficientStatistics(dimensions, chooseKernel());
  let next = 0;
  const statisticsRate = rateOf(() => {
    for (let i = 0; i < 64; i++, next++) statistics.add(String(next % classes), vectors[next % distinct]);
    // Reading G completes all pending additions.
    return statistics.gram[0];
  });
  const set = createTrainingSet({ extractor: 'speed.v1', task: 'speed', dimensions });
  let added = 0;
  const setRate = rateOf(() => {
    for (let i = 0; i < 64; i++, added++) {
      set.add({
        imageId: `image-${added}`,
        label: String(added % classes),
        group: null,
        vector: vectors[added % distinct],
      });
    }
  });
  return {
    statistics: statisticsRate,
    labelledSet: setRate,
    choleskySeconds: timeCholesky(statistics),
    provisionalHeadSeconds: timeOf(() => trainHead(set, { kind: 'lda', mode: 'provisional' })),
    ...(withSettled && {
      settledHeadSeconds: timeOf(() => trainHead(set, { kind: 'lda', mode: 'settled' })),
    }),
  };
}

/** Classes with means of their own and common noise, cut at zero, as after a ReLU. */
function drawVectors(dimensions) {
  const next = seededUniform(dimensions);
  const means = Array.from({ length: classes }, () =>
    Float32Array.from({ length: dimensions }, () => next() - 0.5),
  );
  return Array.from({ length: distinct }, (_, index) => {
    const mean = means[index % classes];
    return quantize(mean.map((value) => Math.max(0, value + 3 * (next() + next() - 1))));
  });
}

/** Of U where G + shrinkage = Uᵀ U, as in every solve of a discriminant. */
function timeCholesky(statistics) {
  const { width, kernel } = statistics;
  const source = new Float64Array(width * width);
  for (let i = 0; i < width; i++)
    for (let j = i; j < width; j++) source[i * width + j] = i === j ? 2 * width : 1 / (1 + j - i);
  const [matrix, scratch] = kernel.claim([width * width, scratchLength(width)]);
  const times = [];
  for (let i = 0; i < rounds; i++) {
    matrix.set(source);
    const start = processorSeconds();
    if (!kernel.eliminate(matrix, width, width, scratch)) throw new Error('not positive definite');
    times.push(processorSeconds() - start);
  }
  return median(times);
}

function rateOf(learn64) {
  learn64();
  const rates = Array.from({ length: rounds }, () => {
    const start = processorSeconds();
    let labels = 0;
    while (processorSeconds() - start < roundSeconds) {
      learn64();
      labels += 64;
    }
    return labels / (processorSeconds() - start);
  });
  return median(rates);
}

function timeOf(work) {
  const start = processorSeconds();
  work();
  return processorSeconds() - start;
}

function processorSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function medians(runs) {
  const names = Object.keys(runs[0]).filter((name) => typeof runs[0][name] === 'number');
  return Object.fromEntries(
    names.map((name) => {
      const value = median(runs.map((run) => run[name]).filter((one) => one !== undefined));
      return [name, name.endsWith('Seconds') ? round(value, 4) : Math.round(value)];
    }),
  );
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
