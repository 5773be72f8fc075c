/**
 * Multinomial logistic regression, as the source uses it on the vectors of a net: all examples at once, a little L2, Nesterov's
 * accelerated gradient with restarts (O'Donoghue and Candès, 2015). Vectors are centred and scaled by one number.
 */

const steps = 400;
const regularizations = [1e-2, 1e-3, 1e-4];
const folds = 4;
/** Quarters that are held out when λ is chosen, and steps of each try: fifteen seconds in all. */
const tries = 2;
const stepsOfTry = 200;

/** Selects the L2 with the best accuracy on two held-out quarters in turn; of equals the stronger one. */
export function chooseRegularization(examples, dimensions) {
  const rights = regularizations.map((regularization) => {
    let right = 0;
    for (let fold = 0; fold < tries; fold++) {
      const isHeld = (_, index) => index % folds === fold;
      const rest = examples.filter((example, index) => !isHeld(example, index));
      const classify = trainLogisticRegression(rest, dimensions, regularization, stepsOfTry);
      right += examples.filter(isHeld).filter(({ vector, label }) => classify(vector) === label).length;
    }
    return right;
  });
  return regularizations[rights.indexOf(Math.max(...rights))];
}

/** Returns a function from vector to label. */
export function trainLogisticRegression(examples, dimensions, regularization, count = steps) {
  const classes = [...new Set(examples.map(({ label }) => label))].sort();
  const { mean, scale } = scalingOf(examples, dimensions);
  const rows = examples.map(({ vector }) => scaled(vector, mean, scale));
  const labels = examples.map(({ label }) => classes.indexOf(label));
  const weights = minimize(rows, labels, classes.length, { regularization, count });
  return (vector) => {
    const scores = scoresOf(scaled(vector, mean, scale), weights, classes.length);
    return classes[scores.indexOf(Math.max(...scores))];
  };
}

/** Mean vector, and the root mean square of the distance from it. */
function scalingOf(examples, dimensions) {
  const mean = new Float64Array(dimensions);
  for (const { vector } of examples)
    for (let i = 0; i < dimensions; i++) mean[i] += vector[i] / examples.length;
  let square = 0;
  for (const { vector } of examples)
    for (let i = 0; i < dimensions; i++) square += (vector[i] - mean[i]) ** 2;
  return { mean, scale: 1 / Math.sqrt(square / examples.length) };
}

/** With a 1 at the end, for the bias. */
function scaled(vector, mean, scale) {
  const row = new Float64Array(mean.length + 1);
  for (let i = 0; i < mean.length; i++) row[i] = (vector[i] - mean[i]) * scale;
  row[mean.length] = 1;
  return row;
}

function scoresOf(row, weights, classes) {
  const scores = new Array(classes).fill(0);
  for (let k = 0; k < classes; k++) {
    const offset = k * row.length;
    let sum = 0;
    for (let i = 0; i < row.length; i++) sum += weights[offset + i] * row[i];
    scores[k] = sum;
  }
  return scores;
}

function minimize(rows, labels, classes, { regularization, count }) {
  const size = classes * rows[0].length;
  let [weights, previous] = [new Float64Array(size), new Float64Array(size)];
  // The Hessian of softmax is at most half the Gram matrix, whose largest eigenvalue is at most the mean square norm.
  const rate = 1 / (0.5 * (1 + 1) + regularization);
  let momentum = 1;
  for (let step = 0; step < count; step++) {
    const next = (1 + Math.sqrt(1 + 4 * momentum ** 2)) / 2;
    const beta = (momentum - 1) / next;
    const ahead = weights.map((value, index) => value + beta * (value - previous[index]));
    const gradient = gradientOf(ahead, { rows, labels, classes, regularization });
    const moved = ahead.map((value, index) => value - rate * gradient[index]);
    let uphill = 0;
    for (let i = 0; i < size; i++) uphill += gradient[i] * (moved[i] - weights[i]);
    momentum = uphill > 0 ? 1 : next;
    [previous, weights] = [weights, moved];
  }
  return weights;
}

function gradientOf(weights, { rows, labels, classes, regularization }) {
  const gradient = weights.map((value) => regularization * value);
  for (const [index, row] of rows.entries()) {
    const scores = scoresOf(row, weights, classes);
    const largest = Math.max(...scores);
    const exponentials = scores.map((score) => Math.exp(score - largest));
    const sum = exponentials.reduce((total, value) => total + value, 0);
    for (let k = 0; k < classes; k++) {
      const error = (exponentials[k] / sum - (labels[index] === k ? 1 : 0)) / rows.length;
      const offset = k * row.length;
      for (let i = 0; i < row.length; i++) gradient[offset + i] += error * row[i];
    }
  }
  return gradient;
}
