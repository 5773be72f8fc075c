/**
 * Detects whether images differ from the learned examples, labelled or not, for each partition and task:
 * novelties are judged in blocks (see `NoveltyShift`) that survive a restart and a rebalance. Nothing stored
 * names an image.
 */
import { expectedPercentile, NoveltyShift, type NoveltyShiftVerdict } from '@headwater/heads';
import type { ImageClassified } from '@headwater/schemas';
import type { Draft, StateReader } from '../../store/state.ts';

/** Images judged together. */
const block = 200;
const alpha = 0.001;
/**
 * With fewer labelled examples percentiles are not uniform: with more dimensions than examples they lean
 * downwards.
 */
const fewestReferences = 200;
/** Stored drifts of a partition, few since the state is written with every image. */
const rememberedDrifts = 10;

export interface ImageNovelty {
  /** Source of the novelties: another head series begins a new block. */
  readonly extractor: string;
  readonly kind: string;
  /** Fewest labelled examples behind a novelty of this block. */
  readonly references: number;
  /** Judged blocks, and rises of novelty: shifted blocks after an unshifted one. */
  readonly blocks: number;
  readonly drifts: number;
  /** The newest first; absent in states of older versions. */
  readonly driftEvents?: readonly ImageDrift[];
  /**
   * Of the last block; null before the first. `at`: time of its last prediction, absent in states of older
   * versions.
   */
  readonly last:
    | (Pick<NoveltyShiftVerdict, 'shifted' | 'distance' | 'threshold' | 'mean'> & { readonly at?: number })
    | null;
}

/** A rise of novelty, from the expected percentile to the mean. */
export interface ImageDrift {
  /** Time of the last prediction of the block; milliseconds since the epoch. */
  readonly at: number;
  readonly extractor: string;
  readonly kind: string;
  readonly from: number;
  readonly to: number;
}

/** The result of a complete block. */
export interface NoveltyUpdate {
  readonly task: string;
  readonly extractor: string;
  readonly kind: string;
  readonly verdict: NoveltyShiftVerdict;
  /** The block has shifted, and the one before had not. */
  readonly isDrift: boolean;
}

/**
 * Adds a published prediction; `references` as in `NoveltyShift.update`. Ignores a head without a novelty.
 */
export function watchNovelty(
  draft: Draft,
  { task, extractor, head, novelty, predictedAt: at }: ImageClassified,
  references: number,
): NoveltyUpdate | undefined {
  if (head === null || novelty === null || references < fewestReferences) return undefined;
  const { kind } = head;
  const before = read(draft.get(keyOf(task)));
  const { state, percentiles } = isOf(before.state, extractor, kind) ? before : empty(before.state);
  const least = percentiles.length === 0 ? references : Math.min(state.references, references);
  const shift = NoveltyShift.fromState({ version: 1, block, alpha, percentiles });
  const verdict = shift.update(novelty, least);
  const isDrift = verdict?.shifted === true && state.last?.shifted !== true;
  const after = {
    extractor,
    kind,
    references: least,
    blocks: state.blocks + Number(verdict !== null),
    drifts: state.drifts + Number(isDrift),
    driftEvents: isDrift
      ? remember(state, { at, extractor, kind, from: expectedPercentile, to: verdict.mean })
      : (state.driftEvents ?? []),
    last: verdict === null ? state.last : { ...described(verdict), at },
  };
  draft.put(keyOf(task), encode(after, shift.state().percentiles));
  return verdict === null ? undefined : { task, extractor, kind, verdict, isDrift };
}

/** Novelty state of this partition by task. */
export function readNovelties(reader: StateReader): Map<string, ImageNovelty> {
  const found = new Map<string, ImageNovelty>();
  for (const { key, value } of reader.range(prefix)) {
    found.set(decodeURIComponent(key.slice(prefix.length)), read(value).state);
  }
  return found;
}

const prefix = 'novelty/';

interface Watched {
  readonly state: ImageNovelty;
  readonly percentiles: readonly number[];
}

const nothing: ImageNovelty = { extractor: '', kind: '', references: 0, blocks: 0, drifts: 0, last: null };

/** Keeps the counts; the present block and the last verdict belong to another series. */
function empty({ blocks, drifts, driftEvents = [] }: ImageNovelty): Watched {
  return { state: { ...nothing, blocks, drifts, driftEvents }, percentiles: [] };
}

function remember({ driftEvents = [] }: ImageNovelty, drift: ImageDrift): ImageDrift[] {
  return [drift, ...driftEvents].slice(0, rememberedDrifts);
}

function isOf(state: ImageNovelty, extractor: string, kind: string): boolean {
  return state.extractor === extractor && state.kind === kind;
}

function described({ shifted, distance, threshold, mean }: NoveltyShiftVerdict) {
  return { shifted, distance, threshold, mean };
}

function keyOf(task: string): string {
  return prefix + encodeURIComponent(task);
}

/**
 * uint32 length of a JSON header, the header, then float64 percentiles (little-endian, as on all supported
 * platforms).
 */
function encode(state: ImageNovelty, percentiles: readonly number[]): Buffer {
  const header = Buffer.from(JSON.stringify(state));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  return Buffer.concat([length, header, new Uint8Array(Float64Array.from(percentiles).buffer)]);
}

function read(bytes: Buffer | undefined): Watched {
  if (bytes === undefined) return { state: nothing, percentiles: [] };
  const end = 4 + bytes.readUInt32LE(0);
  const state = JSON.parse(bytes.toString('utf8', 4, end)) as ImageNovelty;
  return { state, percentiles: [...new Float64Array(Uint8Array.from(bytes.subarray(end)).buffer)] };
}
