/** Whether a head that was rebuilt is, to the last bit, the one that the trainer published. */
import type { Head } from '@headwater/heads';
import type { KnownHead } from '../predict/heads-table.ts';

/**
 * `equal`: head and set, to the last bit. `different`: at least one digest differs. `behind`: the newest settled head has not learned all
 * examples yet. `none`: there is no settled head of this kind.
 */
export type HeadOutcome = 'equal' | 'different' | 'behind' | 'none';

export interface HeadComparison {
  readonly kind: Head['kind'];
  readonly outcome: HeadOutcome;
  readonly rebuilt: { readonly digest: string; readonly setDigest: string };
  /** The newest settled head of the kind; null where there is none. */
  readonly published: {
    readonly version: number;
    readonly digest: string;
    readonly setDigest: string;
    readonly watermark: number;
  } | null;
}

/** `lastOffset` is that of the newest example of the set; a head is comparable when its watermark lies behind it. */
export function compareHead(
  { kind, digest, setDigest }: Pick<Head, 'kind' | 'digest' | 'setDigest'>,
  published: KnownHead | undefined,
  lastOffset: bigint,
): HeadComparison {
  const rebuilt = { digest, setDigest };
  if (published === undefined) return { kind, outcome: 'none', rebuilt, published: null };
  const { version, watermark } = published;
  const isBehind = BigInt(watermark) <= lastOffset;
  const isEqual = published.digest === digest && published.setDigest === setDigest;
  return {
    kind,
    outcome: isBehind ? 'behind' : isEqual ? 'equal' : 'different',
    rebuilt,
    published: { version, digest: published.digest, setDigest: published.setDigest, watermark },
  };
}
