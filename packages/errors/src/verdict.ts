/** How a failure is handled. */

/**
 * What to do with the record (or the process) that met an error:
 * `retry` it with backoff, outside of a transaction; `dead-letter` the record; or `stop`, because going on
 * would lose data or repeat the error for every record.
 */
export type Verdict = 'retry' | 'dead-letter' | 'stop';
