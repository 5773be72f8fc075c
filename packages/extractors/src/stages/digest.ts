/**
 * What a link states of itself: SHA-256 over JSON that is spelled out in one way only, so that equal contents have equal digests whatever
 * order their members were written in. Numbers are written as JSON does: the shortest decimal that reads back to the same double.
 */
import { createHash } from 'node:crypto';
import type { FittedArtefact } from './api.ts';

/** JSON with the members of each object sorted by name; members that are undefined are left out. */
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

/** Digest of what was learned: over all members but the digest itself. */
export function artefactDigest(artefact: Omit<FittedArtefact, 'digest'>): string {
  const { method, formatVersion, records, options, learned } = artefact;
  return sha256(
    `headwater-artefact-1\n${canonicalJson({ method, formatVersion, records, options, learned })}`,
  );
}
