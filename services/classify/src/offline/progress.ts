/** Progress of a long operation. */
export interface Progress {
  /** The present step, such as `reading examples`. */
  readonly stage: string;
  readonly done: number;
  /** Undefined where it is unknown. */
  readonly total?: number;
}

export type OnProgress = (progress: Progress) => void;
