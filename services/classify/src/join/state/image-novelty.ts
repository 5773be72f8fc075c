/**
 * Whether images still look like what was learned can be asked of every image that is answered, labelled or not. Each partition asks for
 * itself, task by task: a block of novelties at a time (see `NoveltyShift`), kept in its store, so that neither a restart nor a rebalance
 * begins anew. What is kept names no image.
 */
import { expectedPercentile, NoveltyShift, type NoveltyShiftVerdict } from '@headwater/heads';
import type { ImageClassified } from '@headwater/schemas';
import type { Draft, StateReader } from '../../store/state.ts';

/** Images that are judged together. */
const block = 200;
const alpha = 0.001;
/** Percentiles among fewer labelled examples are not even enough to be judged: with more dimensions than examples they lean downwards. */
const fewestReferences = 200;
/** Drifts that a partition remembers one by one: its state is written with every image. */
const rememberedDrifts = 10;

export interface ImageNovelty {
  /** Whose novelties these are: another line of heads begins a new block. */
  readonly extractor: string;
  readonly kind: string;
  /** The fewest labelled examples that a novelty of this block rests on. */
  readonly references: number;
  /** Blocks that were judged, and how often images became newer: blocks that shifted behind one that had not. */
  readonly blocks: number;
  readonly drifts: number;
  /** The newest first; not there in states of an older version. */
  readonly driftEvents?: readonly ImageDrift[];
  /** Of the last block; null before there was one. `at`: when its last image was answered, not there in states of an older version. */
  readonly last:
    | (Pick<NoveltyShiftVerdict, 'shifted' | 'distance' | 'threshold' | 'mean'> & { readonly at?: number })
    | null;
}

/** Images became newer: when, and from which usual percentile to which mean. */
export interface ImageDrift {
  /** When the last image of the block was answered; milliseconds since the epoch. */
  readonly at: number;
  readonly extractor: string;
  readonly kind: string;
  readonly from: number;
  readonly to: number;
}

/** A block is full. */
export interface NoveltyUpdate {
  readonly task: string;
  readonly extractor: string;
  readonly kind: string;
  readonly verdict: NoveltyShiftVerdict;
  /** It has shifted, and the one before it had not. */
  readonly isDrift: boolean;
}

/** Takes in what was published for an image; `references` as in `NoveltyShift.update`. A head that can't tell says nothing. */
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

/** Task to what its images showed in this partition. */
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

/** What was counted stays; the block under way and the last verdict were another line's. */
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

/** uint32 length of a JSON header, the header, then float64 percentiles (little-endian, as every platform we run on has it). */
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
