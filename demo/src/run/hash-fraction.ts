/**
 * Chooses the labelled images, and the route of each, by its id alone: runs of any speed choose the same ones,
 * so that two runs can be compared bit by bit.
 */
import { createHash } from 'node:crypto';

/** A number from 0 (inclusive) to 1 (exclusive), uniform over ids, and independent between purposes. */
export function hashFraction(purpose: string, id: string): number {
  return createHash('sha256').update(`${purpose}\n${id}`).digest().readUInt32BE(0) / 2 ** 32;
}
