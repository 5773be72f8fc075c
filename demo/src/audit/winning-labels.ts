/**
 * Recomputes the effective labels independently of the join. For each image and task the winner is the largest
 * of (person before source, assignedAt, annotator, label), null being the smallest label.
 */
export interface StatedLabel {
  readonly imageId: string;
  readonly task: string;
  readonly label: string | null;
  readonly assignedAt: number;
  readonly annotator: string;
  /** person: from the topic `labels`; source: with the image. */
  readonly by: 'person' | 'source';
}

export interface WinningLabels {
  add(label: StatedLabel): void;
  readonly size: number;
  winners(): Iterable<StatedLabel>;
}

export function createWinningLabels(): WinningLabels {
  const winners = new Map<string, StatedLabel>();
  return {
    add(label) {
      const key = JSON.stringify([label.task, label.imageId]);
      const current = winners.get(key);
      if (current === undefined || compareLabels(label, current) > 0) winners.set(key, label);
    },
    get size() {
      return winners.size;
    },
    winners: () => winners.values(),
  };
}

/** Negative when `left` loses. Texts are compared by their UTF-8 bytes. */
function compareLabels(left: StatedLabel, right: StatedLabel): number {
  return (
    Number(left.by === 'person') - Number(right.by === 'person') ||
    left.assignedAt - right.assignedAt ||
    compareTexts(left.annotator, right.annotator) ||
    compareTexts(left.label, right.label)
  );
}

function compareTexts(left: string | null, right: string | null): number {
  if (left === null || right === null) return Number(left !== null) - Number(right !== null);
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}
