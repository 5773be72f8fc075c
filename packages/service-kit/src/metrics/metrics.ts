/**
 * Prometheus metrics: `headwater_<noun>_<unit>[_total]`, base units, low cardinality. Only this file uses prom-client.
 * Every `Metrics` has its own registry, so that several services can run in one process.
 */
import {
  collectDefaultMetrics,
  Counter as PromCounter,
  Gauge as PromGauge,
  Histogram as PromHistogram,
  Registry,
} from 'prom-client';

interface Counter {
  add(amount: number, labels?: Readonly<Record<string, string>>): void;
}
interface Gauge {
  set(value: number, labels?: Readonly<Record<string, string>>): void;
  /** Removes the series with these labels; a missing series is no error. */
  remove(labels: Readonly<Record<string, string>>): void;
}
export interface Histogram {
  observe(value: number, labels?: Readonly<Record<string, string>>): void;
}

/** Creates metrics; an existing name returns the existing metric. */
export interface Metrics {
  counter(name: string, help: string, labels?: readonly string[]): Counter;
  gauge(name: string, help: string, labels?: readonly string[]): Gauge;
  histogram(name: string, help: string, buckets: readonly number[], labels?: readonly string[]): Histogram;
  /** Called before each render, to set gauges that are costly to keep up to date. Failures are ignored. */
  beforeRender(measure: () => Promise<void>): void;
  /** Prometheus text exposition and its content type. */
  render(): Promise<{ readonly body: string; readonly contentType: string }>;
}

interface MetricsOptions {
  /** Process, garbage-collection and event-loop metrics; default true. */
  readonly processDefaults?: boolean;
}

type Labels = Readonly<Record<string, string>>;

/** Metrics that were renamed in 0.1.0. The old names are reported too, for one release. */
const formerNames: Readonly<Record<string, string>> = {
  headwater_classify_partitions: 'headwater_classify_lanes',
  headwater_extract_partitions: 'headwater_extract_lanes',
  headwater_extract_decoder_crashes_total: 'headwater_extract_decoder_deaths_total',
};

/** The names and help texts under which a metric is reported. */
function namesOf(name: string, help: string): [name: string, help: string][] {
  const former = formerNames[name];
  if (former === undefined) return [[name, help]];
  return [
    [name, help],
    [former, `Former name of ${name}; removed in the next release`],
  ];
}

export function createMetrics(options: MetricsOptions = {}): Metrics {
  const registry = new Registry();
  if (options.processDefaults ?? true) collectDefaultMetrics({ register: registry });
  const measures: (() => Promise<void>)[] = [];
  const known = new Map<string, { readonly shape: string; readonly metric: unknown }>();

  /** Throws a TypeError where two callers define one name differently. */
  function once<T>(name: string, shape: string, create: () => T): T {
    const existing = known.get(name);
    if (existing === undefined) {
      const metric = create();
      known.set(name, { shape, metric });
      return metric;
    }
    if (existing.shape !== shape)
      throw new TypeError(`metric ${name} exists as ${existing.shape}, not ${shape}`);
    return existing.metric as T;
  }

  const settings = (name: string, help: string, labels: readonly string[]) => ({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
  });

  return {
    counter: (name, help, labels = []) =>
      once(name, `counter(${labels.join()})`, () => {
        const metrics = namesOf(name, help).map((own) => new PromCounter(settings(...own, labels)));
        return {
          add: (amount: number, values: Labels = {}) => {
            for (const metric of metrics) metric.inc(values, amount);
          },
        };
      }),
    gauge: (name, help, labels = []) =>
      once(name, `gauge(${labels.join()})`, () => {
        const metrics = namesOf(name, help).map((own) => new PromGauge(settings(...own, labels)));
        return {
          set: (value: number, values: Labels = {}) => {
            for (const metric of metrics) metric.set(values, value);
          },
          remove: (values: Labels) => {
            for (const metric of metrics) metric.remove(values);
          },
        };
      }),
    histogram: (name, help, buckets, labels = []) =>
      once(name, `histogram(${labels.join()})`, () => {
        const metric = new PromHistogram({ ...settings(name, help, labels), buckets: [...buckets] });
        return { observe: (value: number, values: Labels = {}) => metric.observe(values, value) };
      }),
    beforeRender: (measure) => void measures.push(measure),
    render: async () => {
      await Promise.allSettled(measures.map((measure) => measure()));
      return { body: await registry.metrics(), contentType: registry.contentType };
    },
  };
}
