/** `lda` is the default, and the kind of most targets; the others are measured for comparison. */
export const kinds = ['lda', 'ridge', 'ncm', 'softmax', 'knn'];

/** Errors: an Error that lists the kinds. */
export function checkKinds(wanted) {
  if (wanted.includes('lda') && wanted.every((kind) => kinds.includes(kind))) return wanted;
  throw new Error(`--kinds takes some of ${kinds.join(', ')}, lda among them`);
}
