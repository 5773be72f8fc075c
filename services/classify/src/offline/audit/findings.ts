/** The findings of an audit for people: the number of each kind, and the first ones in detail. */
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
  /** Null for a missing vector or erasure. */
  readonly task: string | null;
  /** Null where the record's key is not an image id. */
  readonly imageId: string | null;
  /** The source of the missing record, as `topic/partition/offset`. */
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
