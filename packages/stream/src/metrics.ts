/** Prometheus metrics: `headwater_<noun>_<unit>[_total]`, base units, low cardinality. */

export interface Counter {
  add(amount: number, labels?: Readonly<Record<string, string>>): void;
}
export interface Gauge {
  set(value: number, labels?: Readonly<Record<string, string>>): void;
}
export interface Histogram {
  observe(value: number, labels?: Readonly<Record<string, string>>): void;
}

/** Asking for a metric that exists already returns the same one. */
export interface Metrics {
  counter(name: string, help: string, labels?: readonly string[]): Counter;
  gauge(name: string, help: string, labels?: readonly string[]): Gauge;
  histogram(name: string, help: string, buckets: readonly number[], labels?: readonly string[]): Histogram;
  /** Prometheus text exposition and its content type. */
  render(): Promise<{ readonly body: string; readonly contentType: string }>;
}
