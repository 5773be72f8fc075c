/**
 * A partition processor with a span for each record, from its processing to its commit, and one for each record that
 * it writes. A batch that fails is processed again, with new spans in the same traces.
 */
import {
  type LogRecord,
  type OutgoingRecord,
  type PartitionProcessor,
  type ProcessorOutput,
  traceHeadersOf,
} from '@headwater/log';
import type { Span } from '@opentelemetry/api';
import { endAbandoned, endFailed, type MessagingSpans } from './messaging-spans.ts';
import { headersOf, withTrace } from './trace-context.ts';

interface TracedProcessorOptions {
  readonly spans: MessagingSpans;
  readonly group: string;
}

export function traceProcessor(
  inner: PartitionProcessor,
  options: TracedProcessorOptions,
): PartitionProcessor {
  const traced = new TracedProcessor(inner, options);
  const { idle, offer } = inner;
  return {
    process: (records, signal) => traced.process(records, signal),
    // The worker asks whether these are there.
    ...(idle === undefined ? {} : { idle: (signal) => traced.alone(inner.idle?.(signal)) }),
    ...(offer === undefined ? {} : { offer: (signal) => traced.alone(inner.offer?.(signal)) }),
    close: () => traced.close(),
  };
}

class TracedProcessor {
  readonly #inner: PartitionProcessor;
  readonly #spans: MessagingSpans;
  readonly #group: string;
  /** Not committed yet. */
  readonly #open = new Set<Span>();

  constructor(inner: PartitionProcessor, { spans, group }: TracedProcessorOptions) {
    this.#inner = inner;
    this.#spans = spans;
    this.#group = group;
  }

  async process(records: readonly LogRecord[], signal: AbortSignal): Promise<ProcessorOutput> {
    const spans = new Map<LogRecord, Span>();
    for (const record of records) {
      const span = this.#spans.process(record, this.#group);
      this.#open.add(span);
      spans.set(inTrace(record, span), span);
    }
    try {
      return this.#traced(await this.#inner.process([...spans.keys()], signal), spans);
    } catch (error) {
      for (const span of spans.values()) this.#fail(span, error);
      throw error;
    }
  }

  /** Outputs that belong to no batch. */
  async alone(output: Promise<ProcessorOutput | null> | undefined): Promise<ProcessorOutput | null> {
    const found = (await output) ?? null;
    return found === null ? null : this.#traced(found, new Map());
  }

  close(): Promise<void> | void {
    for (const span of this.#open) endAbandoned(span);
    this.#open.clear();
    return this.#inner.close();
  }

  #traced(output: ProcessorOutput, spans: ReadonlyMap<LogRecord, Span>): ProcessorOutput {
    const sent: { readonly record: OutgoingRecord; readonly span: Span }[] = [];
    const records = output.records.map((record) => {
      const parent = parentOf(record, spans);
      if (parent === undefined) return record;
      const span = this.#spans.send(record, parent);
      this.#open.add(span);
      sent.push({ record, span });
      return withTrace(record, span);
    });
    const commit = this.#commitOf(spans);
    return {
      records,
      deadLetters: output.deadLetters,
      committed: async (positions) => {
        this.#end(commit);
        for (const { record, error } of output.deadLetters) this.#fail(spans.get(record), error);
        for (const { span } of sent) this.#end(span);
        for (const span of spans.values()) this.#end(span);
        for (const { record, span } of sent) {
          for (const link of record.traceLinks ?? []) this.#spans.contributed(link, record, span);
        }
        await output.committed?.(positions);
      },
    };
  }

  /** None where no record of the batch is recorded. */
  #commitOf(spans: ReadonlyMap<LogRecord, Span>): Span | undefined {
    const [first] = spans.keys();
    const recorded = [...spans.values()].filter((span) => span.isRecording());
    if (first === undefined || recorded.length === 0) return undefined;
    const span = this.#spans.commit(first.topic, recorded, this.#group);
    this.#open.add(span);
    return span;
  }

  #end(span: Span | undefined): void {
    if (span !== undefined && this.#open.delete(span)) span.end();
  }

  #fail(span: Span | undefined, error: unknown): void {
    if (span !== undefined && this.#open.delete(span)) endFailed(span, error);
  }
}

/** A record without a trace gets one, so that what is written and logged about it can be joined. */
function inTrace(record: LogRecord, span: Span): LogRecord {
  if (traceHeadersOf(record.headers) !== undefined) return record;
  const headers = Object.entries(headersOf(span)).map(([name, value]) => [name, Buffer.from(value)] as const);
  return { ...record, headers: { ...record.headers, ...Object.fromEntries(headers) } };
}

/** The span of its cause in this batch, else the trace that it names itself, else that of its cause. */
function parentOf(record: OutgoingRecord, spans: ReadonlyMap<LogRecord, Span>) {
  const span = record.cause && spans.get(record.cause);
  if (span !== undefined) return headersOf(span);
  return traceHeadersOf(record.headers) ?? traceHeadersOf(record.cause?.headers);
}
