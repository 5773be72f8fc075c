/** A log that writes spans. The log within is as it would be without tracing: records have headers more, and that is all. */
import type {
  Follower,
  FollowOptions,
  Log,
  LogProducer,
  LogRecord,
  OutgoingRecord,
  PartitionGroupOptions,
} from '@headwater/log';
import { traceHeadersOf } from '@headwater/log';
import type { Span } from '@opentelemetry/api';
import { endFailed, MessagingSpans, type MessagingSpansOptions } from './messaging-spans.ts';
import { withTrace } from './trace-context.ts';
import { traceProcessor } from './traced-processor.ts';

export function traceLog(log: Log, options: MessagingSpansOptions): Log {
  const spans = new MessagingSpans(options, log.kind);
  return {
    kind: log.kind,
    admin: log.admin,
    blocked: () => log.blocked(),
    openProducer: async () => traceProducer(await log.openProducer(), spans),
    openTransactions: (id) => log.openTransactions(id),
    openPartitionGroup: (group) => log.openPartitionGroup(traceGroup(group, spans)),
    follow: (followed) => traceFollower(log, followed, spans),
    read: (range) => log.read(range),
    close: () => log.close(),
  };
}

function traceProducer(producer: LogProducer, spans: MessagingSpans): LogProducer {
  return {
    send: async (records) => {
      const started = records.map((record) => spans.send(record, traceHeadersOf(record.headers)));
      const traced = records.map((record, index) => withSpan(record, started[index]));
      try {
        await producer.send(traced);
        for (const span of started) span.end();
      } catch (error) {
        for (const span of started) endFailed(span, error);
        throw error;
      }
    },
    close: () => producer.close(),
  };
}

function withSpan(record: OutgoingRecord, span: Span | undefined): OutgoingRecord {
  return span === undefined ? record : withTrace(record, span);
}

function traceGroup(options: PartitionGroupOptions, spans: MessagingSpans): PartitionGroupOptions {
  const { group, open } = options;
  return {
    ...options,
    open: async (partition) => traceProcessor(await open(partition), { spans, group }),
  };
}

/** Records from before the start were processed long ago: only what comes afterwards belongs to a trace. */
async function traceFollower(log: Log, options: FollowOptions, spans: MessagingSpans): Promise<Follower> {
  let isLive = false;
  const onRecords = async (records: readonly LogRecord[]) => {
    const traced = isLive ? records.filter(({ headers }) => traceHeadersOf(headers) !== undefined) : [];
    const started = traced.map((record) => spans.process(record));
    try {
      await options.onRecords(records);
      for (const span of started) span.end();
    } catch (error) {
      for (const span of started) endFailed(span, error);
      throw error;
    }
  };
  const follower = await log.follow({ ...options, onRecords });
  follower.caughtUp.then(
    () => {
      isLive = true;
    },
    () => undefined,
  );
  return follower;
}
