import { HeadwaterError } from '@headwater/errors';
import type { LogRecord, PartitionProcessor, ProcessorOutput } from '@headwater/log';
import { SpanStatusCode } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { expect, it } from 'vitest';
import { MessagingSpans } from './messaging-spans.ts';
import { traceProcessor } from './traced-processor.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
const record: LogRecord = {
  topic: 'images',
  partition: 0,
  offset: 7n,
  timestamp: 0,
  key: Buffer.from('a'),
  value: Buffer.from('v'),
  headers: { traceparent: Buffer.from(traceparent) },
};
const { signal } = new AbortController();
const nothing: ProcessorOutput = { records: [], deadLetters: [] };

function trace(inner: Partial<PartitionProcessor>) {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const spans = new MessagingSpans({ tracer: provider.getTracer('test') }, 'kafka');
  const whole = { process: async () => nothing, close: () => undefined, ...inner };
  return { exporter, processor: traceProcessor(whole, { spans, group: 'a group' }) };
}

it('ends the span of a record with its commit, not before', async () => {
  const { exporter, processor } = trace({});
  const output = await processor.process([record], signal);
  expect(exporter.getFinishedSpans()).toEqual([]);
  await output.committed?.(new Map());
  expect(
    exporter
      .getFinishedSpans()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(['commit images', 'process images']);
});

it('passes records with a trace on as they are, and their dead letters', async () => {
  const error = new HeadwaterError('image-unreadable', 'not an image');
  const { exporter, processor } = trace({
    process: async ([first]) => ({
      records: [],
      deadLetters: first === undefined ? [] : [{ record: first, stage: 'extract', error }],
    }),
  });
  const output = await processor.process([record], signal);
  expect(output.deadLetters[0]?.record).toBe(record);
  await output.committed?.(new Map());
  expect(exporter.getFinishedSpans().find(({ name }) => name === 'process images')).toMatchObject({
    attributes: { 'error.type': 'image-unreadable' },
    status: { code: SpanStatusCode.ERROR, message: 'not an image' },
  });
});

it('ends the spans of a batch that fails, and throws its error', async () => {
  const error = new HeadwaterError('blob-store-unavailable', 'no response');
  const { exporter, processor } = trace({ process: () => Promise.reject(error) });
  await expect(processor.process([record], signal)).rejects.toBe(error);
  expect(exporter.getFinishedSpans()).toMatchObject([{ status: { code: SpanStatusCode.ERROR } }]);
});

it('ends the spans of uncommitted records when the partition is closed', async () => {
  const { exporter, processor } = trace({
    process: async (records) => ({
      ...nothing,
      records: records.map((cause) => ({ topic: 'vectors', key: 'a', value: null, cause })),
    }),
  });
  await processor.process([record], signal);
  await processor.close();
  const spans = exporter.getFinishedSpans();
  expect(spans).toHaveLength(3);
  expect(spans.every(({ status }) => status.code === SpanStatusCode.ERROR)).toBe(true);
});

it('continues the trace in outputs of another batch by their own headers or those of their cause', async () => {
  const head = { topic: 'heads', key: 'h', value: Buffer.from('h') };
  const tombstone = { topic: 'heads', key: 'old', value: null };
  const { processor } = trace({
    offer: async () => ({
      ...nothing,
      records: [{ ...head, headers: { traceparent } }, { ...head, cause: record }, tombstone],
    }),
  });
  const output = await processor.offer?.(signal);
  const traces = output?.records.map(({ headers }) => String(headers?.traceparent).split('-')[1]);
  expect(traces).toEqual([traceId, traceId, undefined]);
  expect(output?.records[2]).toBe(tombstone);
});

it('has no idle and no offer where the processor has none', () => {
  const { processor } = trace({});
  expect(processor).not.toHaveProperty('idle');
  expect(processor).not.toHaveProperty('offer');
});
