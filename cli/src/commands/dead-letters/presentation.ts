/** Dead letters as text and JSON. Payloads are never shown: they are images and labels of people. */
import { originalHeaders } from '@headwater/log';
import { formatPosition, type StoredDeadLetter } from './dead-letter.ts';
import type { FoundDeadLetter } from './dead-letter-topic.ts';

const longestReason = 120;

export function toJson({ letter, settlement }: Omit<FoundDeadLetter, 'record'>) {
  const { source, failedAt, key, stage, code, reason, group, valueBytes } = letter;
  return {
    place: formatPosition(letter),
    source: source === null ? null : formatPosition(source),
    failedAt: new Date(failedAt).toISOString(),
    key,
    code,
    stage,
    group,
    reason,
    valueBytes,
    settlement: settlement ?? 'pending',
  };
}

export function lineOf({ letter, settlement }: Omit<FoundDeadLetter, 'record'>): string {
  const { code, stage, key, failedAt, reason } = letter;
  const short = reason.length > longestReason ? `${reason.slice(0, longestReason)}…` : reason;
  const parts = [
    formatPosition(letter),
    new Date(failedAt).toISOString(),
    settlement ?? 'pending',
    code,
    stage,
  ];
  return [...parts, printable(key ?? '(no key)'), sizeText(letter.valueBytes), printable(short)].join('  ');
}

/** All fields of a dead letter but its payload. */
export function detailsOf({ letter, record, settlement }: FoundDeadLetter) {
  const headers = Object.entries(record.headers).map(([name, value]) => ({
    name,
    bytes: value.length,
    value: value.toString('utf8').slice(0, 1_000),
  }));
  return {
    ...toJson({ letter, settlement }),
    keyBytes: record.key?.length ?? null,
    originalHeaders: Object.keys(originalHeaders(record.headers)),
    headers,
  };
}

export function describe(details: ReturnType<typeof detailsOf>): string {
  const { headers, originalHeaders: original, ...rest } = details;
  const lines = Object.entries(rest).map(([name, value]) => `${name.padEnd(12)} ${printable(String(value))}`);
  const shown = headers.map(({ name, bytes, value }) => `  ${name} (${bytes} bytes): ${printable(value)}`);
  return [
    ...lines,
    `headers of the record itself: ${original.join(', ') || 'none'}`,
    'headers:',
    ...shown,
  ].join('\n');
}

function sizeText(bytes: StoredDeadLetter['valueBytes']): string {
  return bytes === null ? 'no value' : `${bytes.toLocaleString('en')} bytes`;
}

/** Replaces control characters, which could control the terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '\ufffd');
}
