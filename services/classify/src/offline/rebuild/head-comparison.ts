/** Whether a head that was rebuilt is, to the last bit, the one that the trainer published. */
import type { Head } from '@headwater/heads';
import type { KnownHead } from '../../model-registry/heads-table.ts';

/**
 * `equal`: head and set, to the last bit. `different`: at least one digest differs. `behind`: the newest settled head has not learned all
 * examples yet. `none`: there is no settled head of this kind. `other-arithmetic`: of the same set, but solved by a version of Headwater that
 * computes heads of this kind in another way, so that another digest says nothing.
 */
export type HeadOutcome = 'equal' | 'different' | 'behind' | 'none' | 'other-arithmetic';

export interface HeadComparison {
  readonly kind: Head['kind'];
  readonly outcome: HeadOutcome;
  /** `arithmetic`: see `arithmeticOf`. */
  readonly rebuilt: Compared;
  /** The newest settled head of the kind; null where there is none. */
  readonly published: (Compared & { readonly version: number; readonly watermark: number }) | null;
}

type Compared = Pick<Head, 'digest' | 'setDigest' | 'arithmetic'>;

/** `lastOffset` is that of the newest example of the set; a head is comparable when its watermark lies behind it. */
export function compareHead(
  { kind, digest, setDigest, arithmetic }: Compared & Pick<Head, 'kind'>,
  published: KnownHead | undefined,
  lastOffset: bigint,
): HeadComparison {
  const rebuilt = { digest, setDigest, arithmetic };
  if (published === undefined) return { kind, outcome: 'none', rebuilt, published: null };
  const { version, watermark } = published;
  const isBehind = BigInt(watermark) <= lastOffset;
  return {
    kind,
    outcome: isBehind ? 'behind' : outcomeOf(rebuilt, published),
    rebuilt,
    published: {
      version,
      digest: published.digest,
      setDigest: published.setDigest,
      arithmetic: published.arithmetic,
      watermark,
    },
  };
}

/** Sets are compared by every arithmetic, and many heads are the same by several. */
function outcomeOf(rebuilt: Compared, published: Compared): HeadOutcome {
  if (rebuilt.setDigest !== published.setDigest) return 'different';
  if (rebuilt.digest === published.digest) return 'equal';
  return rebuilt.arithmetic === published.arithmetic ? 'different' : 'other-arithmetic';
}
