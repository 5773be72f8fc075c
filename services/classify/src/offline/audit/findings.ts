/** What an audit can find, as a person reads it: how often each kind occurs, and where the first ones are. */
export const findingKinds = [
  'vector-missing',
  'erasure-missing',
  'prediction-missing',
  'example-missing',
  'example-outdated',
  'example-unfounded',
] as const;
export type FindingKind = (typeof findingKinds)[number];

export interface Finding {
  readonly kind: FindingKind;
  readonly extractor: string;
  /** Null where a vector or its erasure is missing. */
  readonly task: string | null;
  /** Null where the record has no image id as its key. */
  readonly imageId: string | null;
  /** The record that the missing one should have come of, as `topic/partition/offset`. */
  readonly place: string;
}

export type FindingCounts = Readonly<Record<FindingKind, number>>;

/** Counts all findings, and keeps the first `listed`. */
export class Findings {
  readonly #listed: number;
  readonly #counts: Record<FindingKind, number>;
  readonly #first: Finding[] = [];

  constructor(listed: number) {
    this.#listed = listed;
    this.#counts = Object.fromEntries(findingKinds.map((kind) => [kind, 0])) as Record<FindingKind, number>;
  }

  add(finding: Finding): void {
    this.#counts[finding.kind]++;
    if (this.#first.length < this.#listed) this.#first.push(finding);
  }

  get counts(): FindingCounts {
    return { ...this.#counts };
  }

  get total(): number {
    return Object.values(this.#counts).reduce((sum, count) => sum + count, 0);
  }

  get first(): readonly Finding[] {
    return this.#first;
  }
}
