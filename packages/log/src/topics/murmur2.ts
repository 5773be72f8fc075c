/**
 * The partitioner of the Java client. All producers and consumers of Headwater, and external Kafka clients, must
 * agree on it; otherwise a label and its image are in different partitions.
 */

const multiplier = 0x5bd1e995;

/** 32-bit murmur2 with the seed of Kafka's `Utils.murmur2`; the result is a signed integer. */
export function murmur2(data: Uint8Array): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const whole = data.length & ~3;
  let hash = 0x9747b28c ^ data.length;
  for (let at = 0; at < whole; at += 4) {
    let word = Math.imul(view.getInt32(at, true), multiplier);
    word = Math.imul(word ^ (word >>> 24), multiplier);
    hash = Math.imul(hash, multiplier) ^ word;
  }
  if (data.length > whole) hash = mixTail(hash, data.subarray(whole));
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return hash ^ (hash >>> 15);
}

function mixTail(hash: number, tail: Uint8Array): number {
  let mixed = hash;
  for (let at = tail.length - 1; at >= 0; at -= 1) mixed ^= (tail[at] ?? 0) << (8 * at);
  return Math.imul(mixed, multiplier);
}

/** Partition of a key among `partitions`, as in `org.apache.kafka.clients.producer`. */
export function partitionFor(key: Buffer | string, partitions: number): number {
  const bytes = typeof key === 'string' ? Buffer.from(key, 'utf8') : key;
  return (murmur2(bytes) & 0x7fffffff) % partitions;
}
