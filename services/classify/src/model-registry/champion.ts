/**
 * Chooses which of a task's heads serves: the one with the smallest mean log loss over its newest prequential
 * scores. Unlike accuracy, log loss also measures confidence.
 */
import type { PrequentialFigures } from '@headwater/heads';

export interface Candidate<T> {
  readonly head: T;
  /** Over the newest scores of its series; undefined where they are unknown. */
  readonly recent: PrequentialFigures | undefined;
}

/** With fewer scores, the order of preference decides. */
const fewestScores = 200;
/**
 * Margins by which a head must beat a preferred one, as a share of its loss and in nats, so that they do not
 * alternate.
 */
const leastShare = 0.05;
const leastNats = 0.01;

/**
 * `candidates` in order of preference, the incumbent (if any) among them. An incumbent with enough scores
 * stays until another head is clearly better, or as good and preferred.
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
