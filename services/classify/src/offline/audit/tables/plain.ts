/** Entries of the audit's tables as JSON; offsets exceed JSON numbers and are strings. */
export function encodeJsonEntry(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? String(one) : one)));
}

/** Every field named `offset` is an offset. */
export function decodeJsonEntry<T>(bytes: Buffer): T {
  const revive = (key: string, value: unknown) => (key === 'offset' ? BigInt(value as string) : value);
  return JSON.parse(bytes.toString('utf8'), revive) as T;
}
