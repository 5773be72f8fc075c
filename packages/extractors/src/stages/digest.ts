/**
 * Digests of steps: SHA-256 over canonical JSON, so that equal contents have equal digests regardless of the order of their
 * members. Numbers are written as in JSON: the shortest decimal that reads back to the same double.
 */
import { createHash } from 'node:crypto';
import type { FittedArtefact } from './api.ts';

/** JSON with the members of each object sorted by name; undefined members are left out. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((one) => canonicalJson(one)).join()}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
  return `{${members.join()}}`;
}

/** Lower-case hex. */
export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Digest of an artefact: over all members but the digest itself. */
export function artefactDigest(artefact: Omit<FittedArtefact, 'digest'>): string {
  const { method, formatVersion, records, options, learned } = artefact;
  return sha256(
    `headwater-artefact-1\n${canonicalJson({ method, formatVersion, records, options, learned })}`,
  );
}
