/** Detects a record that a copy has lost, doubled or altered: a sum of SHA-256, whatever the order and the partitions. */
import { createHash } from 'node:crypto';
import { type LogRecord, movedHeader, sourceHeaders } from '@headwater/log';

/** What a copy changes. */
const rewritten = new Set<string>([movedHeader, ...Object.values(sourceHeaders)]);

const modulus = 2n ** 256n;

export const emptyDigest = '0'.repeat(64);

export function withRecord(sum: string, { key, value, timestamp, headers }: LogRecord): string {
  const hash = createHash('sha256');
  const kept = Object.entries(headers).filter(([name]) => !rewritten.has(name));
  kept.sort(([a], [b]) => (a < b ? -1 : 1));
  for (const part of [key, value, Buffer.from(String(timestamp)), ...kept.flat()]) {
    const bytes = typeof part === 'string' ? Buffer.from(part, 'utf8') : part;
    hash.update(`${bytes === null ? 'null' : bytes.length} `).update(bytes ?? '');
  }
  const total = (BigInt(`0x${sum}`) + BigInt(`0x${hash.digest('hex')}`)) % modulus;
  return total.toString(16).padStart(64, '0');
}
