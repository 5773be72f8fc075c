/** `lda` is the default, and the one that most targets are set for; the others are measured beside it. */
export const kinds = ['lda', 'ridge', 'ncm', 'softmax', 'knn'];

/** Errors: an Error that says which kinds there are. */
export function checkKinds(wanted) {
  if (wanted.includes('lda') && wanted.every((kind) => kinds.includes(kind))) return wanted;
  throw new Error(`--kinds takes some of ${kinds.join(', ')}, lda among them`);
}
