/** Targets of figures, and whether they are met. */
import { round } from './examples.mjs';

export function atLeast(what, value, aim, digits = 5) {
  return { what, value: round(value, digits), aim: `≥ ${aim}`, met: value >= aim };
}

export function atMost(what, value, aim, digits = 5) {
  return { what, value: round(value, digits), aim: `≤ ${aim}`, met: value <= aim };
}

/** No head may be more than 0.3 points of accuracy below logistic regression on the same vectors. */
const allowance = 0.003;

/** No target where there is no baseline. */
export function notBelow(what, value, baseline) {
  if (baseline === null || baseline === undefined) return [];
  const aim = baseline - allowance;
  return [
    {
      what,
      value: round(value, 4),
      aim: `≥ ${round(aim, 4)} (logistic regression − 0.003)`,
      met: value >= aim - 1e-9,
    },
  ];
}
