/** Variables of tracing: those of OpenTelemetry, with its names and meanings. */
import { tracesSamplers } from '../tracing/options.ts';
import { parsePairs } from '../tracing/pairs.ts';
import { choice, decimal, flag, httpUrl, integer, secret, text } from './variables.ts';

const pairs = 'name=value pairs, separated by commas, with percent-encoded values';
const isPairs = (given: string) => parsePairs(given) !== undefined;

export const tracingEnvironment = {
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl()
    .optional()
    .describe(
      'Base URL of an OpenTelemetry collector that accepts OTLP over HTTP, e.g. http://localhost:4318. Traces are sent to <URL>/v1/traces; without it, tracing is off.',
    ),
  OTEL_EXPORTER_OTLP_HEADERS: secret(pairs)
    .refine(isPairs, `expected ${pairs}`)
    .optional()
    .meta({ requires: ['OTEL_EXPORTER_OTLP_ENDPOINT'] })
    .describe('Headers of requests to the collector, e.g. an API key.'),
  OTEL_EXPORTER_OTLP_TIMEOUT: integer({ min: 1, max: 600_000 })
    .default(10_000)
    .describe('Time limit of a request to the collector, in milliseconds.'),
  OTEL_SERVICE_NAME: text()
    .optional()
    .describe('Name of this process in traces; default headwater-<service>.'),
  OTEL_RESOURCE_ATTRIBUTES: text(pairs)
    .refine(isPairs, `expected ${pairs}`)
    .optional()
    .describe('Further attributes of this process in traces.'),
  OTEL_TRACES_SAMPLER: choice(tracesSamplers)
    .default('parentbased_always_on')
    .describe('Which traces are recorded; the parentbased ones follow the decision of the client.'),
  OTEL_TRACES_SAMPLER_ARG: decimal({ min: 0, max: 1 })
    .default(1)
    .describe('Share of traces for the ratio samplers.'),
  OTEL_SDK_DISABLED: flag().default(false).describe('Turn tracing off although there is an endpoint.'),
};
