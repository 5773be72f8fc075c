/** `lda` is the default, and the one that targets are set for; the others are measured beside it. */
export const kinds = ['lda', 'ridge', 'ncm', 'softmax', 'knn'];
