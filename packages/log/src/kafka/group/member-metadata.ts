/**
 * What a member tells its group in the user data of Kafka's group protocol: a version byte, then JSON. Each change of
 * the layout needs another version.
 */
export interface MemberMetadata {
  /** Partitions of this member in the former generation. */
  readonly former: readonly number[];
  /** Base URL at which other processes of the installation reach this member. */
  readonly address?: string | undefined;
}

const version = 2;

export function encodeMetadata(metadata: MemberMetadata): Buffer {
  return Buffer.concat([Buffer.of(version), Buffer.from(JSON.stringify(metadata), 'utf8')]);
}

/** A member with metadata of another version, or with invalid metadata, counts as new. */
export function decodeMetadata(userData: Buffer | undefined): MemberMetadata {
  const none = { former: [] };
  if (userData?.[0] !== version) return none;
  try {
    const { former, address } = JSON.parse(userData.toString('utf8', 1)) as Partial<Record<string, unknown>>;
    return {
      former: Array.isArray(former) ? former.filter(isPartition) : [],
      ...(typeof address === 'string' ? { address } : {}),
    };
  } catch {
    return none;
  }
}

function isPartition(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
