/** Entries of the audit's tables as JSON; offsets, which are larger than what JSON numbers hold, as text. */
export function encodeJsonEntry(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? String(one) : one)));
}

/** Every field of the name `offset` is an offset. */
export function decodeJsonEntry<T>(bytes: Buffer): T {
  const revive = (key: string, value: unknown) => (key === 'offset' ? BigInt(value as string) : value);
  return JSON.parse(bytes.toString('utf8'), revive) as T;
}
