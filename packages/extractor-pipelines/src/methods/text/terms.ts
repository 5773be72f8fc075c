/** The terms of a text: its words, and optionally sequences of adjacent words. */

/** Number of occurrences of each term; memory is bounded by the length of a text. */
export function countTerms(tokens: readonly string[], grams: number, joint: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (let length = 1; length <= grams; length++) {
    for (let from = 0; from + length <= tokens.length; from++) {
      const term = length === 1 ? (tokens[from] ?? '') : tokens.slice(from, from + length).join(joint);
      counts.set(term, (counts.get(term) ?? 0) + 1);
    }
  }
  return counts;
}
