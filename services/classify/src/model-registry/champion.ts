/**
 * Which of a task's heads serves, when several learn side by side: the one with the smallest mean log loss over its newest
 * prequential scores. Log loss and not accuracy, because it tells heads apart that answer alike, and counts how sure they were.
 */
import type { PrequentialFigures } from '@headwater/heads';

export interface Candidate<T> {
  readonly head: T;
  /** Over the newest scores of its line; undefined where nobody knows. */
  readonly recent: PrequentialFigures | undefined;
}

/** With fewer scores nothing is proven, and the order of preference decides. */
const fewestScores = 200;
/** A head must be better than one that is preferred by this share of its loss, and by this many nats, lest they take turns. */
const leastShare = 0.05;
const leastNats = 0.01;

/**
 * `candidates` in order of preference; the incumbent is one of them, or undefined. An incumbent that has proven itself stays until
 * another one is clearly better, or as good and preferred.
 */
export function selectChampion<T>(
  candidates: readonly Candidate<T>[],
  incumbent: Candidate<T> | undefined,
): Candidate<T> | undefined {
  let champion = lossOf(incumbent) === undefined ? candidates[0] : incumbent;
  for (const rival of candidates) {
    const [own, other] = [lossOf(champion), lossOf(rival)];
    if (rival === champion || champion === undefined || own === undefined || other === undefined) continue;
    const isPreferred = candidates.indexOf(rival) < candidates.indexOf(champion);
    const gain = isPreferred ? 0 : Math.max(leastNats, leastShare * own);
    if (own - other > gain || (isPreferred && own === other)) champion = rival;
  }
  return champion;
}

function lossOf(candidate: Candidate<unknown> | undefined): number | undefined {
  const recent = candidate?.recent;
  return recent === undefined || recent.examples < fewestScores ? undefined : (recent.logLoss ?? undefined);
}
