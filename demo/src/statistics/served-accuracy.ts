/**
 * Served accuracy: the published prediction against the first label of its image. It is measured over the last
 * labels only, because the head that predicted the first ones had few examples.
 */
export interface Accuracy {
  readonly labelled: number;
  /** 0 … 1; null before the first label. */
  readonly accuracy: number | null;
}

export interface ServedAccuracy {
  /** A prediction without a label (no head served yet) is counted apart, as classify does. */
  score(predicted: string | null, label: string): void;
  readonly last: Accuracy;
  /** Labels of images whose prediction had no label. */
  readonly unanswered: number;
  /** Of the last labels, those in `classes`, or those outside of it. */
  among(classes: ReadonlySet<string>, inside: boolean): Accuracy;
}

/** `window`: number of the last labels. */
export function createServedAccuracy(window: number): ServedAccuracy {
  const scores: { readonly label: string; readonly right: boolean }[] = [];
  let next = 0;
  let unanswered = 0;
  return {
    score(predicted, label) {
      if (predicted === null) {
        unanswered += 1;
        return;
      }
      scores[next] = { label, right: predicted === label };
      next = (next + 1) % window;
    },
    get last() {
      return average(scores);
    },
    get unanswered() {
      return unanswered;
    },
    among: (classes, inside) => average(scores.filter(({ label }) => classes.has(label) === inside)),
  };
}

function average(scores: readonly { readonly right: boolean }[]): Accuracy {
  const right = scores.filter((score) => score.right).length;
  return { labelled: scores.length, accuracy: scores.length === 0 ? null : right / scores.length };
}
