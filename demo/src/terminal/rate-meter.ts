/** How fast something happens now: events a second over the last few seconds, so that a pause shows. */

export interface RateMeter {
  /** Tells that `count` events have happened in all. */
  reach(count: number): void;
  /** Events a second over the window; 0 before there are two points. */
  readonly perSecond: number;
}

/** `window` in milliseconds; `now` answers milliseconds of a clock that never goes back. */
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
