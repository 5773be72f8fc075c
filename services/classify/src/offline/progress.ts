/** How far long work has come, for somebody who watches. */
export interface Progress {
  /** What is being done, e.g. `reading examples`. */
  readonly stage: string;
  readonly done: number;
  /** Undefined where it is not known. */
  readonly total?: number;
}

export type OnProgress = (progress: Progress) => void;
