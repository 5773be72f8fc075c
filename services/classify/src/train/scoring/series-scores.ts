/**
 * Prequential scores of one head series: its newest head predicts each new example before any head learns
 * from it. They feed the measurements, the choice of the champion, and drift detection, and survive a
 * restart.
 */
import { HeadwaterError } from '@headwater/errors';
import {
  Adwin,
  type AdwinChange,
  type AdwinState,
  expectedPercentile,
  HeadMeasurements,
  type MeasurementReport,
  type MeasurementState,
  type MeasurementStateV1,
  NoveltyShift,
  type NoveltyShiftState,
  type NoveltyShiftVerdict,
  type PredictionOutcome,
  Prequential,
  type PrequentialFigures,
  type PrequentialState,
} from '@headwater/heads';

/** One new example with the prediction of the newest head. */
export interface ScoredExample extends PredictionOutcome {
  readonly novelty: number | null;
  /** Number of examples behind the head's novelty percentiles. */
  readonly references: number;
}

/** A detected change of the stream. */
export type Drift =
  | { readonly sign: 'errors'; readonly change: AdwinChange }
  | { readonly sign: 'novelty'; readonly verdict: NoveltyShiftVerdict };

/** A drift as the API reports it. */
export interface DriftEvent {
  readonly sign: Drift['sign'];
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Of `errors`: the former error rate. Of `novelty`: the expected percentile. */
  readonly from: number;
  /** The present value. */
  readonly to: number;
}

/** State that changes with every example, small enough to be stored with every batch. */
interface QuickState {
  readonly prequential: PrequentialState;
  readonly errors: AdwinState;
  readonly novelty: NoveltyShiftState;
  readonly drifts: DriftCounts;
  /** The newest first; absent in states of older versions. */
  readonly driftEvents?: readonly DriftEvent[];
}

export interface DriftCounts {
  readonly errors: number;
  readonly novelty: number;
}

/** Up to this number, classes are listed one by one in a head's measurements. */
const listedClasses = 50;
/** Number of stored drift events. */
const rememberedDrifts = 20;

export class SeriesScores {
  readonly #prequential: Prequential;
  readonly #errors: Adwin;
  readonly #novelty: NoveltyShift;
  #measured: HeadMeasurements;
  #drifts: DriftCounts;
  #driftEvents: readonly DriftEvent[];

  constructor(quick?: QuickState, measured?: MeasurementState | MeasurementStateV1) {
    this.#prequential = quick === undefined ? new Prequential() : Prequential.fromState(quick.prequential);
    this.#errors = quick === undefined ? new Adwin() : Adwin.fromState(quick.errors);
    this.#novelty = quick === undefined ? new NoveltyShift() : NoveltyShift.fromState(quick.novelty);
    this.#drifts = quick?.drifts ?? { errors: 0, novelty: 0 };
    this.#driftEvents = quick?.driftEvents ?? [];
    this.#measured = measured === undefined ? new HeadMeasurements() : HeadMeasurements.fromState(measured);
  }

  /** Returns the drifts that this example reveals. Only a rise of errors is a drift: a fall is learning. */
  add(example: ScoredExample): Drift[] {
    const correct = this.#prequential.add(example);
    this.#measure(example);
    const drifts: Drift[] = [];
    const change = this.#errors.update(Number(!correct));
    if (change?.direction === 'rose' && !change.continues) drifts.push({ sign: 'errors', change });
    const verdict =
      example.novelty === null || example.references < 1
        ? null
        : this.#novelty.update(example.novelty, example.references);
    if (verdict?.shifted) drifts.push({ sign: 'novelty', verdict });
    for (const drift of drifts) this.#remember(drift);
    return drifts;
  }

  #remember(drift: Drift): void {
    const { sign } = drift;
    this.#drifts = { ...this.#drifts, [sign]: this.#drifts[sign] + 1 };
    const { from, to } =
      drift.sign === 'errors' ? drift.change : { from: expectedPercentile, to: drift.verdict.mean };
    const event = { sign, at: Date.now(), from, to };
    this.#driftEvents = [event, ...this.#driftEvents].slice(0, rememberedDrifts);
  }

  /** Removes an erased image from the worst examples. Its anonymous counts stay. */
  forget(imageId: string): void {
    const state = this.#measured.state();
    const worst = state.worst.filter((one) => one.imageId !== imageId);
    if (worst.length < state.worst.length) this.#measured = HeadMeasurements.fromState({ ...state, worst });
  }

  /** Over the newest examples. */
  get recent(): PrequentialFigures {
    return this.#prequential.report().recent;
  }

  /** Number of drifts by sign. */
  get drifts(): DriftCounts {
    return this.#drifts;
  }

  /** The newest first. */
  get driftEvents(): readonly DriftEvent[] {
    return this.#driftEvents;
  }

  report(): MeasurementReport {
    return this.#measured.report();
  }

  /** The scores as measurements of a head, with single classes where they are few; empty without scores. */
  measurements(): Record<string, number> {
    const { total, recent } = this.#prequential.report();
    if (total.examples === 0) return {};
    return {
      prequentialExamples: total.examples,
      ...named('prequentialAccuracy', total.accuracy),
      ...named('prequentialAccuracyRecent', recent.accuracy),
      ...named('prequentialLogLoss', total.logLoss),
      ...named('prequentialLogLossRecent', recent.logLoss),
      ...describeReport(this.#measured.report()),
    };
  }

  quickState(): Buffer {
    const state: QuickState = {
      prequential: this.#prequential.state(),
      errors: this.#errors.state(),
      novelty: this.#novelty.state(),
      drifts: this.#drifts,
      driftEvents: this.#driftEvents,
    };
    return Buffer.from(JSON.stringify(state));
  }

  measuredState(): Buffer {
    return Buffer.from(JSON.stringify(this.#measured.state()));
  }

  static restore(quick: Buffer | undefined, measured: Buffer | undefined): SeriesScores {
    const parse = <T>(bytes: Buffer | undefined) =>
      bytes === undefined ? undefined : (JSON.parse(bytes.toString('utf8')) as T);
    return new SeriesScores(parse<QuickState>(quick), parse<MeasurementState>(measured));
  }

  /** Classes beyond the limit are learned, but not measured. */
  #measure(example: ScoredExample): void {
    try {
      this.#measured.add(example);
    } catch (error) {
      if (!(error instanceof HeadwaterError) || error.code !== 'limit-exceeded') throw error;
    }
  }
}

function describeReport({ calibrationError, brierScore, macro, topK, classes }: MeasurementReport) {
  const entries = {
    ...named('prequentialCalibrationError', calibrationError),
    ...named('prequentialBrierScore', brierScore),
    ...named('prequentialMacroF1', macro.f1),
    ...named('prequentialMacroRecall', macro.recall),
    ...Object.fromEntries(topK.slice(1).map((share, k) => [`prequentialTop${k + 2}`, share])),
  };
  if (classes.size > listedClasses) return entries;
  const listed = [...classes].flatMap(([label, { precision, recall, f1 }]) => [
    [`prequentialPrecision/${label}`, precision],
    [`prequentialRecall/${label}`, recall],
    [`prequentialF1/${label}`, f1],
  ]);
  return { ...entries, ...(Object.fromEntries(listed) as Record<string, number>) };
}

function named(name: string, value: number | null): Record<string, number> {
  return value === null ? {} : { [name]: value };
}
