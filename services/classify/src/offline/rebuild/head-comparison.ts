/** Whether a rebuilt head equals the published one, to the last bit. */
import type { Head } from '@headwater/heads';
import type { KnownHead } from '../../model-registry/heads-table.ts';

/**
 * `equal`: head and set, to the last bit. `different`: at least one digest differs. `behind`: the newest
 * settled head has not learned all examples yet. `none`: there is no settled head of this kind.
 * `other-arithmetic`: of the same set, but solved by a version of Headwater that computes this kind
 * differently, so that digests cannot be compared.
 */
export type HeadOutcome = 'equal' | 'different' | 'behind' | 'none' | 'other-arithmetic';

export interface HeadComparison {
  readonly kind: Head['kind'];
  readonly outcome: HeadOutcome;
  /** `arithmetic`: see `arithmeticOf`. */
  readonly rebuilt: Compared;
  /** The newest settled head of the kind; null without one. */
  readonly published: (Compared & { readonly version: number; readonly watermark: number }) | null;
}

type Compared = Pick<Head, 'digest' | 'setDigest' | 'arithmetic'>;

/**
 * `lastOffset` is that of the newest example of the set; a head is comparable when its watermark is behind
 * it.
 */
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

/** Set digests do not depend on the arithmetic, and many heads do not either. */
function outcomeOf(rebuilt: Compared, published: Compared): HeadOutcome {
  if (rebuilt.setDigest !== published.setDigest) return 'different';
  if (rebuilt.digest === published.digest) return 'equal';
  return rebuilt.arithmetic === published.arithmetic ? 'different' : 'other-arithmetic';
}
