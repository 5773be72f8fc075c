/**
 * Which images are labelled, and which way each takes, is decided by its id alone: a run that is faster,
 * slower or interrupted chooses the same ones, so that two runs can be compared bit by bit.
 */
import { createHash } from 'node:crypto';

/** A number from 0 (inclusive) to 1 (exclusive), spread evenly over ids, and unrelated between purposes. */
export function hashFraction(purpose: string, id: string): number {
  return createHash('sha256').update(`${purpose}\n${id}`).digest().readUInt32BE(0) / 2 ** 32;
}
