/** Measures events a second over the last few seconds. */

interface RateMeter {
  /** Records the total number of events so far. */
  reach(count: number): void;
  /** Events a second over the window; 0 before there are two points. */
  readonly perSecond: number;
}

/** `window` in milliseconds; `now` returns milliseconds of a monotonic clock. */
export function createRateMeter(window: number, now: () => number = () => performance.now()): RateMeter {
  const points: { readonly at: number; readonly count: number }[] = [];
  return {
    reach(count) {
      const at = now();
      points.push({ at, count });
      while (points.length > 2 && (points[1]?.at ?? at) <= at - window) points.shift();
    },
    get perSecond() {
      const [first, last] = [points[0], points.at(-1)];
      if (first === undefined || last === undefined || last.at === first.at) return 0;
      return ((last.count - first.count) * 1000) / (last.at - first.at);
    },
  };
}
