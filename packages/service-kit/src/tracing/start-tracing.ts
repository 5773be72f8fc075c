/** Tracing with OpenTelemetry's SDK and its exporter for OTLP over HTTP. Only this file imports the SDK. */
import { waitAtMost } from '@headwater/log';
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base';
import type { Tracing } from './api.ts';
import type { TracingConfig, TracingOptions } from './options.ts';
import { pairsOf } from './pairs.ts';
import { startRequestSpan } from './request-spans.ts';
import { traceLog } from './traced-log.ts';

export function startTracing(
  endpoint: string,
  config: TracingConfig,
  { name, logger, hideImageId }: TracingOptions,
): Tracing {
  const report = onceAMinute((reason) =>
    logger.warn({ reason }, 'cannot export traces; check OTEL_EXPORTER_OTLP_ENDPOINT'),
  );
  const ignore = () => undefined;
  const diagnostics = { error: report, warn: report, info: ignore, debug: ignore, verbose: ignore };
  diag.setLogger(diagnostics, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/+$/, '')}/v1/traces`,
    headers: pairsOf(config.OTEL_EXPORTER_OTLP_HEADERS),
    timeoutMillis: config.OTEL_EXPORTER_OTLP_TIMEOUT,
  });
  // OTEL_BSP_* set its limits; by default at most 2,048 spans wait, and more are dropped.
  const processor = new BatchSpanProcessor(exporter);
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({
      ...pairsOf(config.OTEL_RESOURCE_ATTRIBUTES),
      'service.name': config.OTEL_SERVICE_NAME ?? name,
    }),
    sampler: samplerOf(config),
    spanProcessors: [processor],
  });
  const tracer = provider.getTracer('@headwater/service-kit');
  return {
    traceLog: (log) => traceLog(log, { tracer, hideImageId }),
    startRequest: (request) => startRequestSpan(tracer, request, hideImageId === undefined),
    close: async (timeoutMs) => {
      await waitAtMost(
        timeoutMs,
        provider.shutdown().catch((error: unknown) => report(String(error))),
      );
    },
  };
}

function samplerOf({ OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: ratio }: TracingConfig): Sampler {
  const root = rootSampler(name.replace('parentbased_', ''), ratio);
  return name.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root;
}

function rootSampler(name: string, ratio: number): Sampler {
  if (name === 'always_off') return new AlwaysOffSampler();
  return name === 'traceidratio' ? new TraceIdRatioBasedSampler(ratio) : new AlwaysOnSampler();
}

const longestReason = 300;

function onceAMinute(report: (reason: string) => void): (message: string) => void {
  let reportedAt = Number.NEGATIVE_INFINITY;
  return (message) => {
    if (performance.now() - reportedAt < 60_000) return;
    reportedAt = performance.now();
    report(message.slice(0, longestReason));
  };
}
