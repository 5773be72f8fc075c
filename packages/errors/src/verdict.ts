/**
 * How to handle the record that caused an error: `retry` it with backoff, outside of a transaction;
 * `dead-letter` it; or `stop` the process, because continuing would lose data or fail for every record.
 */
export type Verdict = 'retry' | 'dead-letter' | 'stop';
