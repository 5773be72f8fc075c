/** Kinds of heads that follow from the statistics alone; `lda` is the default, and the one that targets are set for. */
export const linearKinds = ['lda', 'ridge', 'ncm'];
