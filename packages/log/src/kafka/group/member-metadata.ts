/**
 * The metadata of a member, in the user data of Kafka's group protocol: a version byte, then JSON. Each change of
 * the layout needs another version.
 */
export interface MemberMetadata {
  /** Partitions of this member in the former generation. */
  readonly former: readonly number[];
  /** Base URL at which other processes of the installation reach this member. */
  readonly address?: string | undefined;
  /** Partitions whose state is on its disk, with the sum of its positions. */
  readonly stored?: ReadonlyMap<number, bigint> | undefined;
}

const version = 2;

export function encodeMetadata({ stored, ...metadata }: MemberMetadata): Buffer {
  const stores = [...(stored ?? [])].map(([partition, position]) => [partition, String(position)]);
  const json = JSON.stringify({ ...metadata, ...(stores.length > 0 && { stored: stores }) });
  return Buffer.concat([Buffer.of(version), Buffer.from(json, 'utf8')]);
}

/** A member with metadata of another version, or with invalid metadata, counts as new. */
export function decodeMetadata(userData: Buffer | undefined): MemberMetadata {
  const none = { former: [] };
  if (userData?.[0] !== version) return none;
  try {
    const metadata = JSON.parse(userData.toString('utf8', 1)) as Partial<Record<string, unknown>>;
    const { former, address, stored } = metadata;
    return {
      former: Array.isArray(former) ? former.filter(isPartition) : [],
      ...(typeof address === 'string' ? { address } : {}),
      ...(Array.isArray(stored) ? { stored: new Map(stored.flatMap(decodeStore)) } : {}),
    };
  } catch {
    return none;
  }
}

function isPartition(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function decodeStore(entry: unknown): [number, bigint][] {
  if (!Array.isArray(entry)) return [];
  const [partition, position] = entry as readonly unknown[];
  if (!isPartition(partition) || typeof position !== 'string' || !/^\d{1,20}$/.test(position)) return [];
  return [[partition, BigInt(position)]];
}
