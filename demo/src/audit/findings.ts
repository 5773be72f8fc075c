/** Counts what is wrong, and keeps the first few places so that a person can go and look. */

export interface Finding {
  readonly kind: 'lost' | 'duplicate';
  /** What is missing, or there once too often. */
  readonly what: string;
  /** The record that it should have come of, as `topic/partition/offset`, or an id where there is no record. */
  readonly where: string;
}

export interface Findings {
  add(finding: Finding): void;
  readonly lost: number;
  readonly duplicates: number;
  readonly first: readonly Finding[];
}

const shown = 20;

export function createFindings(): Findings {
  const counts = { lost: 0, duplicate: 0 };
  const first: Finding[] = [];
  return {
    add(finding) {
      counts[finding.kind]++;
      if (first.length < shown) first.push(finding);
    },
    get lost() {
      return counts.lost;
    },
    get duplicates() {
      return counts.duplicate;
    },
    first,
  };
}
