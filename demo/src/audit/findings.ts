/** Counts findings, and keeps the first few with their positions. */
export interface Finding {
  readonly kind: 'lost' | 'duplicate';
  /** The missing or surplus output. */
  readonly what: string;
  /** Its source record, as `topic/partition/offset`, or an id where there is no record. */
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
