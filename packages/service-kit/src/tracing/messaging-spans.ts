/**
 * Spans of records, after OpenTelemetry's conventions for messaging
 * (https://opentelemetry.io/docs/specs/semconv/messaging/kafka/).
 */

import { asHeadwaterError } from '@headwater/errors';
import { type LogRecord, type OutgoingRecord, type TraceHeaders, traceHeadersOf } from '@headwater/log';
import {
  type Attributes,
  type Link,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
} from '@opentelemetry/api';
import type { HideImageId } from '../logging/image-ids.ts';
import { contextOf, spanContextOf } from './trace-context.ts';

/** Links of one span. */
const mostLinks = 128;
/** Any client may write keys as long as a record. */
const longestKey = 256;

export interface MessagingSpansOptions {
  readonly tracer: Tracer;
  /** Default: ids as they are. */
  readonly hideImageId?: HideImageId | undefined;
}

export class MessagingSpans {
  readonly #options: MessagingSpansOptions;
  readonly #system: string;

  /** `kind`: that of the log. */
  constructor(options: MessagingSpansOptions, kind: string) {
    this.#options = options;
    this.#system = kind === 'kafka' ? 'kafka' : `headwater.${kind}`;
  }

  /** A record on its way into the log; ends with its commit or acknowledgement. */
  send(record: OutgoingRecord, parent: TraceHeaders | undefined): Span {
    const { topic, partition, key, value, traceLinks = [] } = record;
    return this.#options.tracer.startSpan(
      `send ${topic}`,
      {
        kind: SpanKind.PRODUCER,
        links: linksTo(traceLinks),
        attributes: {
          ...this.#of('send', 'send', topic),
          ...this.#ofRecord(key, value),
          ...(partition === undefined ? {} : { 'messaging.destination.partition.id': String(partition) }),
        },
      },
      contextOf(parent),
    );
  }

  /** A record that is being processed; a new trace begins where it has none. */
  process(record: LogRecord, group?: string): Span {
    const { topic, partition, offset, key, value, headers } = record;
    return this.#options.tracer.startSpan(
      `process ${topic}`,
      {
        kind: SpanKind.CONSUMER,
        attributes: {
          ...this.#of('process', 'process', topic),
          ...this.#ofRecord(key, value),
          'messaging.destination.partition.id': String(partition),
          'messaging.kafka.offset': Number(offset),
          ...(group === undefined ? {} : { 'messaging.consumer.group.name': group }),
        },
      },
      contextOf(traceHeadersOf(headers)),
    );
  }

  /** The transaction of a batch, which has the records of several traces. */
  commit(topic: string, spans: readonly Span[], group: string): Span {
    const links = spans.slice(0, mostLinks).map((span): Link => ({ context: span.spanContext() }));
    return this.#options.tracer.startSpan(`commit ${topic}`, {
      kind: SpanKind.CLIENT,
      root: true,
      links,
      attributes: {
        ...this.#of('commit', 'settle', topic),
        'messaging.consumer.group.name': group,
        'messaging.batch.message_count': spans.length,
      },
    });
  }

  /** In the trace of a record that contributed to another one, e.g. an example to a head: where that one went. */
  contributed(contributor: TraceHeaders, { topic }: OutgoingRecord, span: Span): void {
    const options = {
      links: [{ context: span.spanContext() }],
      attributes: this.#of('send', 'send', topic),
    };
    this.#options.tracer.startSpan(`contribute to ${topic}`, options, contextOf(contributor)).end();
  }

  #of(name: string, type: string, topic: string): Attributes {
    return {
      'messaging.system': this.#system,
      'messaging.operation.name': name,
      'messaging.operation.type': type,
      'messaging.destination.name': topic,
    };
  }

  #ofRecord(key: Buffer | string | null, value: Buffer | null): Attributes {
    const { hideImageId = (id) => id } = this.#options;
    const text = key === null ? undefined : key.toString().slice(0, longestKey);
    return {
      ...(text === undefined ? {} : { 'messaging.kafka.message.key': hideImageId(text) }),
      ...(value === null
        ? { 'messaging.kafka.message.tombstone': true }
        : { 'messaging.message.body.size': value.length }),
    };
  }
}

function linksTo(contributors: readonly TraceHeaders[]): Link[] {
  return contributors.slice(0, mostLinks).map((headers) => ({ context: spanContextOf(headers) }));
}

/** Ends a span that failed. */
export function endFailed(span: Span, thrown: unknown): void {
  const { code, message } = asHeadwaterError(thrown);
  span.setAttribute('error.type', code);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
  span.end();
}

/** Ends a span whose partition was closed before the commit; the next owner processes the record again. */
export function endAbandoned(span: Span): void {
  span.setStatus({ code: SpanStatusCode.ERROR, message: 'the partition was closed before the commit' });
  span.end();
}
