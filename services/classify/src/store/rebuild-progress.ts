/** Progress of stores that are rebuilt: log lines at bounded intervals, metrics, and the time limit of the start. */
import type { Logger } from '@headwater/log';
import type { Metrics } from '@headwater/service-kit';

/** `snapshot`: loads one; `replay`: reads topics again; `sums`: adds up the examples of training sets. */
type RebuildPhase = 'snapshot' | 'replay' | 'sums';

interface RebuildStep {
  readonly records: number;
  readonly bytes?: number;
  /** How far the phase is, in the unit of its total; default: by the records. */
  readonly done?: number;
}

export interface RebuildProgress {
  /** `total`: records, offsets or bytes. */
  begin(phase: RebuildPhase, total: number): void;
  advanced(step: RebuildStep): void;
  /** Idempotent. */
  end(): void;
}

export const noProgress: RebuildProgress = {
  begin: () => undefined,
  advanced: () => undefined,
  end: () => undefined,
};

interface RebuildReportsOptions {
  readonly role: 'join' | 'train';
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Called at each step. */
  progressed(): void;
  /** Milliseconds between two log lines of a partition, default 10,000. */
  readonly everyMs?: number;
}

/** Steps may be single examples: the gauges follow once a second. */
const gaugeMs = 1_000;

export class RebuildReports {
  readonly #options: RebuildReportsOptions;
  readonly #metrics: ReturnType<typeof registerMetrics>;

  constructor(options: RebuildReportsOptions) {
    this.#options = options;
    this.#metrics = registerMetrics(options.metrics);
  }

  open(partition: number): RebuildProgress {
    const { role, logger, progressed, everyMs = 10_000 } = this.#options;
    const { ratio, secondsLeft } = this.#metrics;
    const labels = { role, partition: String(partition) };
    let phase: Phase | undefined;
    let reportedAt = Date.now();
    let measuredAt = 0;
    const end = () => {
      if (phase === undefined) return;
      for (const gauge of [ratio, secondsLeft]) gauge.remove({ ...labels, phase: phase.name });
      phase = undefined;
    };
    return {
      begin: (name, total) => {
        end();
        phase = new Phase(name, total);
        measuredAt = 0;
        progressed();
      },
      advanced: (step) => {
        if (phase === undefined) return;
        phase.add(step);
        progressed();
        if (Date.now() - measuredAt < Math.min(gaugeMs, everyMs)) return;
        measuredAt = Date.now();
        const { ratio: part, ...figures } = phase.figures();
        ratio.set(part, { ...labels, phase: phase.name });
        secondsLeft.set(figures.secondsLeft, { ...labels, phase: phase.name });
        if (Date.now() - reportedAt < everyMs) return;
        reportedAt = Date.now();
        const percent = Math.floor(100 * part);
        logger.info({ role, partition, phase: phase.name, percent, ...figures }, 'rebuilding a local store');
      },
      end,
    };
  }
}

class Phase {
  readonly name: RebuildPhase;
  readonly #total: number;
  readonly #began = Date.now();
  #records = 0;
  #bytes = 0;
  #done = 0;

  constructor(name: RebuildPhase, total: number) {
    this.name = name;
    this.#total = total;
  }

  add({ records, bytes = 0, done = records }: RebuildStep): void {
    this.#records += records;
    this.#bytes += bytes;
    this.#done += done;
  }

  /** The totals are estimates: compacted topics have fewer records than offsets. */
  figures() {
    const ratio = this.#total <= 0 ? 1 : Math.min(1, this.#done / this.#total);
    const seconds = Math.max(0.001, (Date.now() - this.#began) / 1_000);
    const whole = (part: number) => (ratio === 0 ? 0 : Math.round(part / ratio));
    return {
      ratio,
      records: this.#records,
      recordsTotal: whole(this.#records),
      bytes: this.#bytes,
      bytesTotal: whole(this.#bytes),
      recordsPerSecond: Math.round(this.#records / seconds),
      secondsLeft: ratio === 0 ? 0 : Math.round((seconds * (1 - ratio)) / ratio),
    };
  }
}

function registerMetrics(metrics: Metrics) {
  const labels = ['role', 'partition', 'phase'];
  return {
    ratio: metrics.gauge(
      'headwater_classify_rebuild_progress_ratio',
      'How far the rebuild of a local store is, from 0 to 1, by phase (snapshot, replay, sums); absent where none is rebuilt',
      labels,
    ),
    secondsLeft: metrics.gauge(
      'headwater_classify_rebuild_remaining_seconds',
      'Estimated time until the phase of the rebuild ends; absent where none is rebuilt',
      labels,
    ),
  };
}
